"""Watch an answer go by in its own format: what each event is, and the usage it reports.

A Watcher alters nothing.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol, TypeVar

import msgspec

from providers.wire.errors import ErrorInfo
from providers.wire.usage import Usage

MOST_BROKEN_EVENTS = 3
"""So many events of a stream may be no JSON, and are left out; one more, and it is not of its format."""

T = TypeVar("T")


def size_of(text: str | None) -> int:
    """Bytes of text in UTF-8."""
    if not text:
        return 0
    return len(text) if text.isascii() else len(text.encode())


def if_readable(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw | None) -> T | None:
    """A member of an answer that is not of the types that we look at; None if this one is not either."""
    if raw is None:
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class Sight(IntEnum):
    """What an event is to a gateway."""

    LIFECYCLE = 0  # may be held back: role delta, message_start, ping, comment, empty delta
    CONTENT = 1
    TAIL = 2  # after the content: the stop reason
    USAGE = 3  # usage and nothing else: left out if the gateway alone asked for it
    TERMINAL = 4
    ERROR = 5
    BROKEN = 6  # its JSON does not parse


class Watcher(Protocol):
    """The state of one watched answer.

    `usage` is None until something was reported; of several reports the last word counts, field by
    field. `output_bytes` counts text, reasoning and arguments, the basis of an estimate. `finish`
    is the provider's own stop reason, "" while unknown.
    """

    @property
    def response_id(self) -> str: ...

    @property
    def response_model(self) -> str: ...

    @property
    def output_bytes(self) -> int: ...

    @property
    def finish(self) -> str: ...

    @property
    def error(self) -> ErrorInfo | None: ...

    @property
    def usage(self) -> Usage | None: ...

    def event(self, block: bytes) -> Sight: ...

    def body(self, data: bytes) -> None:
        """Read a whole answer. Raises BadAnswer."""


class TextWatcher(Watcher, Protocol):
    """A Watcher that can look at many events by one call of its decoder."""

    def run(self, blocks: bytes) -> bool:
        """Whether these events, with LF as line end, are all plain text. If so they are counted."""
