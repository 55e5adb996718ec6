"""One stored transcript: the line that is written of an exchange, as its readers see it.

The bodies stay JSON text until somebody asks for them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

VERSION = 1
BODIES = ("request", "upstream_request", "response")
NOTHING = msgspec.Raw(b"null")


class Unusable(Exception):
    """A line is no transcript that we can read; the text says why."""


class Head(msgspec.Struct, kw_only=True):
    """What is kept of an exchange. A member that a line does not have is as if nothing was said."""

    v: int = VERSION
    exchange_id: str
    time: float
    level: str = "metadata"
    client_key: str = ""
    team: str = ""
    owner: str = ""
    session: str = ""
    client_request_id: str = ""
    end_user: str = ""
    rule: str = ""
    provider: str = ""
    deployment: str = ""
    client_format: str = ""
    upstream_format: str = ""
    model: str = ""
    request_model: str = ""
    response_model: str = ""
    stream: bool = False
    outcome: str = ""
    reason: str = ""
    status: int = 0
    first_content_ms: float | None = None
    total_ms: float | None = None
    attempts: list[dict[str, Any]] = []
    tokens: dict[str, int] = {}
    cost_nano: int | None = None
    request: msgspec.Raw = NOTHING
    upstream_request: msgspec.Raw = NOTHING
    response: msgspec.Raw = NOTHING
    partial: bool = False
    truncated: dict[str, int] = {}
    redacted: dict[str, int] = {}
    unredactable: bool = False

    @property
    def written(self) -> float:
        """About when the line was written: when the exchange ended."""
        return self.time + (self.total_ms or 0.0) / 1000

    @property
    def has_bodies(self) -> bool:
        return any(self.body(name) is not None for name in BODIES)

    def body(self, name: str) -> Any:
        """A body as a JSON value; None where it was not kept."""
        raw = bytes(getattr(self, name))
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _read_leniently(raw)


class Line(msgspec.Struct):
    """A transcript, the bytes that it is stored as, and the file that they are in."""

    head: Head
    data: bytes
    path: Path


_head = msgspec.json.Decoder(Head)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_line(data: bytes, path: Path) -> Line:
    """The transcript that a line holds. Raises Unusable."""
    try:
        head = _head.decode(data)
        UUID(head.exchange_id)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unusable(_why(data, error)) from None
    if head.v > VERSION:
        raise Unusable(f"it was written by a newer Patchbay (version {head.v} of the line)")
    return Line(head, data, path)


def without_bodies(data: bytes) -> bytes:
    """The line of a transcript without what was said."""
    members = _members.decode(data)
    return msgspec.json.encode({name: raw for name, raw in members.items() if name not in BODIES})


def _read_leniently(raw: bytes) -> Any:
    """A body with bytes that are no UTF-8, which a parser that skips it does not see."""
    text = raw.decode(errors="replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {"text": text}


def _why(data: bytes, error: Exception) -> str:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        whole = data.rstrip().endswith(b"}")
        return "it is damaged" if whole else "it is cut off"
    return f"it is no transcript ({error})"
