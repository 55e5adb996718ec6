"""What the scripted upstream can be told to do with a request: one small class a deed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Head:
    """The status line and headers. `framing` says how the body is delimited.

    "chunked"; "close" (until the connection ends); or a number, the content-length to announce,
    whether or not that many bytes follow.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    framing: str | int = "chunked"


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of the body, one chunk in chunked framing, one write on the socket."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes on the socket as they are, in no framing."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Do nothing until the test sets the event."""

    gate: asyncio.Event


@dataclass(frozen=True, slots=True)
class Stall:
    """Do nothing ever more; the connection stays open until the client leaves."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Close the connection in the middle of the body (FIN)."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection (RST), once what was sent before has had time to arrive."""


Step = Head | Data | Raw | Wait | Hold | Stall | Cut | Reset


def pieces(content: bytes, size: int, pause: float = 0.001) -> list[Step]:
    """The bytes cut every `size`, each piece on its own way; slow enough to be read one by one."""
    steps: list[Step] = []
    for start in range(0, len(content), size):
        steps += [Data(content[start : start + size]), Wait(pause)]
    return steps


def whole(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> list[Step]:
    """A complete answer, JSON unless the headers say otherwise."""
    said = {"content-type": "application/json", **(headers or {})}
    return [Head(status, said, len(body)), Data(body)]


def stream(blocks: Sequence[bytes], pause: float = 0.0, then: Sequence[Step] = ()) -> list[Step]:
    """Server-sent events, one chunk a block, and what happens after them."""
    steps: list[Step] = [Head(headers={"content-type": "text/event-stream"})]
    for block in blocks:
        steps.append(Data(block))
        if pause:
            steps.append(Wait(pause))
    return [*steps, *then]
