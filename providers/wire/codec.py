"""What a wire format can do: the Codec protocol, and the formats by name."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from providers.wire.errors import ErrorInfo
from providers.wire.watch import Watcher


class WireFormat(StrEnum):
    """A language on the wire."""

    OPENAI_CHAT = "openai.chat"
    ANTHROPIC_MESSAGES = "anthropic.messages"


class ModelFacts(msgspec.Struct, frozen=True):
    """What a writer must know of a family of models. `max_output` is None where it is not known."""

    max_output: int | None = None
    reasoning: bool = False


class Edits(NamedTuple):
    """Members to set in a same-format request, as JSON text, and what these edits are called.

    `drops_usage`: the usage event was asked for by us alone, so it is kept from the client.
    """

    members: dict[str, bytes]
    names: list[str]
    drops_usage: bool = False


class Codec(Protocol):
    """Reads and writes one WireFormat. Pure and stateless; what has state is made by it."""

    format: WireFormat

    def watcher(self) -> Watcher: ...

    def edits(
        self, members: Mapping[str, msgspec.Raw], stream: bool, facts: ModelFacts, cap: int | None
    ) -> Edits:
        """What a gateway changes in a request of this format: usage asked for, output capped."""

    def output_cap(self, members: Mapping[str, msgspec.Raw]) -> int | None:
        """The most output tokens that the request allows, over all its choices; None if unsaid."""

    def error_status(self, info: ErrorInfo) -> int:
        """The HTTP status that this format gives the error."""

    def write_error(self, info: ErrorInfo, identifier: str) -> bytes:
        """The JSON body of an error answer."""

    def error_event(self, info: ErrorInfo, identifier: str) -> bytes:
        """The bytes that end a stream which broke."""

    def read_error(self, status: int, body: bytes) -> ErrorInfo:
        """A provider's error body, of whatever shape."""
