"""The demo provider as an ASGI application: Chat Completions and Messages, streamed or whole."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import msgspec

from providers.demo import anthropic_messages, openai_chat
from providers.demo.script import MODELS, Asked, Said, answer
from providers.wire.codec import WireFormat
from providers.wire.errors import ErrorInfo, ErrorKind
from providers.wire.registry import CODECS

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PAUSE_SECONDS = 0.015
"""Between two words of a stream: slow enough to be seen, quick enough for tests."""

READERS = {
    "/v1/chat/completions": openai_chat.read,
    "/v1/messages": anthropic_messages.read,
    "/v1/messages/count_tokens": anthropic_messages.read,
}


async def demo_app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """One request. The server is told to send no other scopes."""
    path = scope["path"]
    if path == "/v1/models":
        return await _whole(send, 200, _models(scope))
    if path not in READERS or scope["method"] != "POST":
        info = ErrorInfo(ErrorKind.NOT_FOUND, 404, f"The demo has no {scope['method']} {path}.")
        return await _whole(send, 404, _error(path, info))
    try:
        body = msgspec.json.decode(await _body(receive))
        asked = READERS[path](body)
        said = answer(asked)
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, IndexError):
        message = (
            "The demo does not understand this request: it needs a model and messages of text."
        )
        info = ErrorInfo(ErrorKind.INVALID_REQUEST, 400, message)
        return await _whole(send, 400, _error(path, info))
    if path.endswith("/count_tokens"):
        return await _whole(send, 200, b'{"input_tokens":%d}' % asked.input_tokens)
    if asked.stream:
        return await _stream(send, _events(path, asked, said, body))
    await asyncio.sleep(PAUSE_SECONDS)
    writer = anthropic_messages.write if path == "/v1/messages" else openai_chat.write
    await _whole(send, 200, writer(asked, said, _identifier()))


def _events(path: str, asked: Asked, said: Said, body: dict[str, Any]) -> Iterator[bytes]:
    if path == "/v1/messages":
        return anthropic_messages.events(asked, said, _identifier())
    with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return openai_chat.events(asked, said, _identifier(), with_usage)


def _identifier() -> str:
    return os.urandom(8).hex()


def _models(scope: MutableMapping[str, Any]) -> bytes:
    anthropic = any(name == b"anthropic-version" for name, _ in scope["headers"])
    return anthropic_messages.models(MODELS) if anthropic else openai_chat.models(MODELS)


def _error(path: str, info: ErrorInfo) -> bytes:
    anthropic = path.startswith("/v1/messages")
    form = WireFormat.ANTHROPIC_MESSAGES if anthropic else WireFormat.OPENAI_CHAT
    return CODECS[form].write_error(info, f"req_demo_{_identifier()}")


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _whole(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(send: Send, events: Iterator[bytes]) -> None:
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for event in events:
        await asyncio.sleep(PAUSE_SECONDS)
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
