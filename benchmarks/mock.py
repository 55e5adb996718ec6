"""A provider that costs almost nothing: Chat Completions, plain and streamed, on bare sockets.

Run as `python -m benchmarks.mock PORT`. It parses no JSON: it looks for the model's name.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from typing import cast

import uvloop

from benchmarks import answers

HEAD_END = b"\r\n\r\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


def _piece(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _plain(turn: int) -> bytes:
    body = answers.whole(turn)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def _burst(turn: int, model: str, chunks: int, with_usage: bool) -> list[bytes]:
    """A whole stream, cut where the time of sending belongs."""
    frames = [answers.content(turn, model, number, 0) for number in range(chunks)]
    last = answers.ending(turn, model, chunks, with_usage)
    pieces = [answers.opening(turn, model), *frames, last]
    text = CHUNKED + b"".join(map(_piece, pieces)) + LAST_CHUNK
    return text.split(answers.NO_TIME)


TURNS = itertools.cycle(range(answers.VARIETY))
PLAIN = [*map(_plain, range(answers.VARIETY))]
BURSTS = {
    (turn, model, with_usage): _burst(turn, model, shape.chunks, with_usage)
    for turn in range(answers.VARIETY)
    for model, shape in answers.SHAPES.items()
    if not shape.gap
    for with_usage in (False, True)
}


class Provider(asyncio.Protocol):
    """One connection. Requests come one after the other, as HTTP clients without pipelining send."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._needed = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._loop = asyncio.get_running_loop()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._needed and not self._read_head():
            return
        if len(self._received) >= self._needed:
            request = bytes(self._received)
            self._received.clear()
            self._needed = 0
            self._answer(request)

    def _read_head(self) -> bool:
        end = self._received.find(HEAD_END)
        if end < 0:
            return False
        head = bytes(self._received[:end]).lower()
        _, found, rest = head.partition(b"content-length:")
        length = int(rest.partition(b"\r\n")[0]) if found else 0
        self._needed = end + len(HEAD_END) + length
        return True

    def _answer(self, request: bytes) -> None:
        name = next((model for model in answers.MODELS if model.encode() in request), answers.WHOLE)
        turn = next(TURNS)
        if name == answers.WHOLE:
            return self._transport.write(PLAIN[turn])
        with_usage = b'"include_usage":true' in request.replace(b" ", b"")
        shape = answers.SHAPES[name]
        if not shape.gap:
            now = b"%016d" % time.monotonic_ns()
            return self._transport.write(now.join(BURSTS[turn, name, with_usage]))
        self._transport.write(CHUNKED + _piece(answers.opening(turn, name)))
        self._step(turn, name, 0, with_usage, self._loop.time())
        return None

    def _step(self, turn: int, name: str, number: int, with_usage: bool, due: float) -> None:
        """Send the chunk that is due, and the end with the last; a late one does not delay the next."""
        shape = answers.SHAPES[name]
        out = _piece(answers.content(turn, name, number, time.monotonic_ns()))
        number += 1
        if number == shape.chunks:
            self._transport.write(
                out + _piece(answers.ending(turn, name, number, with_usage)) + LAST_CHUNK
            )
            return
        self._transport.write(out)
        due += shape.gap
        self._timer = self._loop.call_at(due, self._step, turn, name, number, with_usage, due)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        Provider, "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
