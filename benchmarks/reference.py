"""The measure of the benchmark: the least that an ASGI gateway with aiohttp does.

It checks a bearer key, decodes the body, sends it on and passes the answer through. Run by
uvicorn; BENCH_UPSTREAM and BENCH_KEY are its settings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer provider-secret"}


class PassThrough:
    """The application. Its session is made when the server starts."""

    def __init__(self, upstream: str, key: str) -> None:
        self._upstream = upstream
        self._bearer = f"Bearer {key}".encode()
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        if dict(scope["headers"]).get(b"authorization") != self._bearer:
            return await _whole(send, 401, b'{"error":{"message":"unknown key"}}')
        body = await _read(receive)
        stream = bool(json.loads(body).get("stream"))
        if self._session is None:
            raise RuntimeError("the reference needs a server with lifespan")
        async with self._session.post(self._upstream, data=body, headers=HEADERS) as answer:
            if not stream:
                return await _whole(send, answer.status, await answer.read())
            await send(_start(answer.status, b"text/event-stream"))
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
            self._session = session
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _start(status: int, content_type: bytes, length: int | None = None) -> Message:
    headers = [(b"content-type", content_type)]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    return {"type": "http.response.start", "status": status, "headers": headers}


async def _whole(send: Send, status: int, body: bytes) -> None:
    await send(_start(status, b"application/json", len(body)))
    await send({"type": "http.response.body", "body": body})


application = PassThrough(os.environ.get("BENCH_UPSTREAM", ""), os.environ.get("BENCH_KEY", ""))
