"""One stored transcript: the line that is written of an exchange, as its readers see it.

The bodies stay JSON text, and sealed where they are, until somebody asks for them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from usage.transcripts.seal import Closed, seal, unseal

VERSION = 1
BODIES = ("request", "upstream_request", "response")
NOTHING = msgspec.Raw(b"null")


class Unusable(Exception):
    """A line is no transcript that we can read; the text says why."""


class Bodies(msgspec.Struct, omit_defaults=True):
    """What was said. Where it does not open there is none of it, and `closed` is a sentence that says why."""

    request: msgspec.Raw = NOTHING
    upstream_request: msgspec.Raw = NOTHING
    response: msgspec.Raw = NOTHING
    closed: str = ""

    def read(self, name: str) -> Any:
        """A body as a JSON value; None where it was not kept."""
        raw = bytes(getattr(self, name))
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _read_leniently(raw)


class Head(msgspec.Struct):
    """What is kept of an exchange. A member that a line does not have is as if nothing was said.

    `sealed` has the bodies where they are encrypted, and `sealed_with` is the id of the key.
    """

    v: int = VERSION
    exchange_id: str = ""
    time: float = -1.0
    level: str = "metadata"
    client_key: str = ""
    team: str = ""
    owner: str = ""
    session: str = ""
    client_request_id: str = ""
    trace_id: str = ""
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
    sealed: str = ""
    sealed_with: str = ""
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
        kept = (self.request, self.upstream_request, self.response)
        return bool(self.sealed) or any(bytes(raw) != b"null" for raw in kept)

    def bodies(self) -> Bodies:
        """What was said, opened anew each time: what waits in memory is bounded by what is sealed."""
        if not self.sealed:
            return Bodies(self.request, self.upstream_request, self.response)
        try:
            return _bodies.decode(unseal(self.sealed, self.sealed_with, self.exchange_id))
        except Closed as closed:
            return Bodies(closed=str(closed))

    def seal(self) -> None:
        """Put the bodies where only the key ring gets them out."""
        if self.has_bodies:
            said = msgspec.json.encode(Bodies(self.request, self.upstream_request, self.response))
            self.sealed_with, self.sealed = seal(said, self.exchange_id)
            self.request = self.upstream_request = self.response = NOTHING


class Line(msgspec.Struct):
    """A transcript, the bytes that it is stored as, and the file that they are in."""

    head: Head
    data: bytes
    path: Path


_head = msgspec.json.Decoder(Head)
_bodies = msgspec.json.Decoder(Bodies)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_line(data: bytes, path: Path) -> Line:
    """The transcript that a line holds. Raises Unusable."""
    try:
        head = _head.decode(data)
        UUID(head.exchange_id)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unusable(_why(data, error)) from None
    if head.time < 0:
        raise Unusable("it is no transcript (it does not say when it was)")
    if head.v > VERSION:
        raise Unusable(f"it was written by a newer Patchbay (version {head.v} of the line)")
    return Line(head, data, path)


def without_bodies(line: Line) -> bytes:
    """The line of a transcript without what was said."""
    members = _members.decode(line.data)
    left_out = (*BODIES, "sealed")
    return msgspec.json.encode({name: raw for name, raw in members.items() if name not in left_out})


def opened(line: Line) -> bytes:
    """The line as if nothing were sealed in it; where that does not open, `closed` says why."""
    if not line.head.sealed:
        return line.data
    members, bodies = _members.decode(line.data), line.head.bodies()
    if bodies.closed:
        return msgspec.json.encode({**members, "closed": bodies.closed})
    members |= {name: getattr(bodies, name) for name in BODIES}
    dropped = ("sealed", "sealed_with", "closed")  # the last where it was exported without its key
    return msgspec.json.encode({name: raw for name, raw in members.items() if name not in dropped})


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
