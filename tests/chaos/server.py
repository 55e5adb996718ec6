"""The scripted upstream itself: HTTP/1.1 on loopback, by hand, so that it can also do it wrong."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, cast

from tests.chaos import speech
from tests.chaos.steps import Cut, Data, Head, Hold, Raw, Reset, Stall, Step, Wait, stream, whole

ARRIVAL_SECONDS = 0.03
PATIENCE = 3.0


@dataclass(slots=True, eq=False)
class Seen:
    """A request as it came, and what became of it. Times are monotonic.

    `left` is when the client closed the connection before its answer was complete.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    at: float = field(default_factory=monotonic)
    left: float | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def model(self) -> str:
        try:
            return str(self.json["model"])
        except (ValueError, KeyError, TypeError):
            return ""

    async def leaving(self) -> float:
        """When the client left. Fails if the answer ended well or nobody left in time."""
        await asyncio.wait_for(self.over.wait(), PATIENCE)
        assert self.left is not None, "the answer ended; the client did not leave before"
        return self.left


Script = Sequence[Step] | Callable[[Seen], Sequence[Step]]


class Chaos:
    """The upstream and its memory.

    `on(model, script)` answers every request for a model; `next(script, …)` answers the next
    requests, whatever they ask for, and goes first. What has no script gets an honest answer.
    """

    def __init__(self, tls: bool = False) -> None:
        self._scheme = "https" if tls else "http"
        self.requests: list[Seen] = []
        self.connections: set[Connection] = set()
        self.accepted = 0
        self.port = 0
        self._by_model: dict[str, Script] = {}
        self._queue: deque[Script] = deque()
        self._arrived = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The base URL for adapters that have paths of their own (anthropic)."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        """The base URL for the openai adapters."""
        return f"{self.url}/v1"

    def on(self, model: str, script: Script) -> None:
        self._by_model[model] = script

    def next(self, *scripts: Script) -> None:
        self._queue.extend(scripts)

    async def seen(self, number: int = 1) -> Seen:
        """The request of this number, counted from 1; waits for it."""
        async with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.requests) >= number)
            await asyncio.wait_for(arrived, PATIENCE)
        return self.requests[number - 1]

    def take(self, connection: Connection, seen: Seen) -> asyncio.Task[None]:
        """A request has arrived whole: begin to answer it."""
        self.requests.append(seen)
        script = self._queue.popleft() if self._queue else self._by_model.get(seen.model, honest)
        steps = script(seen) if callable(script) else script
        task = asyncio.get_running_loop().create_task(connection.play(steps, seen))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        waking = asyncio.get_running_loop().create_task(self._wake())
        self._tasks.add(waking)
        waking.add_done_callback(self._tasks.discard)
        return task

    async def _wake(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()

    async def close(self) -> None:
        for connection in tuple(self.connections):
            connection.abort()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def open_chaos(port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Chaos]:
    """Run the upstream on a port of 127.0.0.1 while the context lasts."""
    chaos = Chaos(tls is not None)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Connection, chaos), "127.0.0.1", port, ssl=tls)
    chaos.port = server.sockets[0].getsockname()[1]
    try:
        yield chaos
    finally:
        server.close()
        await chaos.close()


class Connection(asyncio.Protocol):
    """One connection: requests in, one at a time, and the steps of each answer out."""

    def __init__(self, chaos: Chaos) -> None:
        self._chaos = chaos
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._active: tuple[Seen, asyncio.Task[None]] | None = None
        self._framing: str | int = "chunked"
        self._room = asyncio.Event()
        self._room.set()
        self.number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._chaos.accepted += 1
        self.number = self._chaos.accepted
        self._chaos.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._chaos.connections.discard(self)
        self._room.set()
        if self._active is not None:
            seen, task = self._active
            if not seen.over.is_set():
                seen.left = monotonic()
                seen.over.set()
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next_request()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def _next_request(self) -> None:
        if self._active is not None or b"\r\n\r\n" not in self._buffer:
            return
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (item.partition(":") for item in lines)
        }
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        method, path, _ = line.split(" ", 2)
        seen = Seen(method, path, headers, rest[:length], self.number)
        self._active = seen, self._chaos.take(self, seen)

    async def play(self, steps: Sequence[Step], seen: Seen) -> None:
        """Do the steps; what follows the last one is the proper end of a body that a Head began."""
        self._framing = ""
        for step in steps:
            await self._do(step, seen)
            if seen.over.is_set():
                return
        if self._framing == "chunked":
            self._write(b"0\r\n\r\n")
        seen.over.set()
        self._active = None
        if self._framing == "close" and self._transport is not None:
            self._transport.close()
        self._next_request()

    async def _do(self, step: Step, seen: Seen) -> None:
        match step:
            case Head():
                self._write(self._head(step))
            case Data(content):
                await self._room.wait()
                chunked = self._framing == "chunked"
                self._write(b"%x\r\n%b\r\n" % (len(content), content) if chunked else content)
            case Raw(content):
                self._write(content)
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case Hold(gate):
                await gate.wait()
            case Stall():
                await asyncio.Event().wait()
            case Cut():
                seen.over.set()
                self._close()
            case Reset():
                await asyncio.sleep(ARRIVAL_SECONDS)
                seen.over.set()
                self._reset()

    def _head(self, head: Head) -> bytes:
        self._framing = head.framing
        headers = dict(head.headers)
        if head.framing == "chunked":
            headers["transfer-encoding"] = "chunked"
        elif isinstance(head.framing, int):
            headers["content-length"] = str(head.framing)
        else:
            headers["connection"] = "close"
        lines = [f"HTTP/1.1 {head.status} Scripted", *(f"{n}: {v}" for n, v in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _reset(self) -> None:
        assert self._transport is not None
        with suppress(OSError):
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def honest(seen: Seen) -> Sequence[Step]:
    """What an upstream without faults answers."""
    if seen.path.endswith("/models"):
        models = [{"id": name, "object": "model"} for name in ("gpt-test", "claude-test")]
        return whole(speech.compact({"object": "list", "data": models}))
    if seen.path.endswith("/count_tokens"):
        return whole(speech.compact({"input_tokens": 42}))
    return say()(seen)


def say(
    text: str = speech.TEXT, calls: Sequence[speech.Call] = (), thinking: str = ""
) -> Callable[[Seen], Sequence[Step]]:
    """A script that says this in the format that is asked, streaming if a stream is asked for."""

    def answer(seen: Seen) -> Sequence[Step]:
        streaming = seen.json.get("stream")
        if "messages" in seen.path:
            if streaming:
                return stream(speech.message_events(text, calls=calls, thinking=thinking))
            body = speech.message_body(text, seen.model, calls=calls, thinking=thinking)
            return whole(body)
        if streaming:
            counted = (seen.json.get("stream_options") or {}).get("include_usage")
            usage = speech.CHAT_USAGE if counted else None
            return stream(speech.chat_events(text, usage, calls=calls, thinking=thinking))
        return whole(speech.chat_body(text, seen.model, calls=calls, thinking=thinking))

    return answer
