"""Translate without sockets: a request from one format to another, and an answer back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from providers.adapters.registry import ADAPTERS
from providers.endpoint import Endpoint
from providers.families import facts_for
from providers.transform import Transform, Transformed, transform
from providers.wire import sse
from providers.wire.codec import WireFormat
from providers.wire.envelope import open_envelope
from providers.wire.registry import CODECS
from providers.wire.sse import Splitter

CHAT = WireFormat.OPENAI_CHAT
MESSAGES = WireFormat.ANTHROPIC_MESSAGES
OTHER = {CHAT: MESSAGES, MESSAGES: CHAT}
MODELS = {CHAT: "gpt-4.1", MESSAGES: "claude-sonnet-4-5"}
IDENTIFIER = "0192-test"
SECRET = "sk-a-secret-of-ours"


HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]


def endpoint(model: str) -> Endpoint:
    return Endpoint(
        provider="somebody",
        adapter=ADAPTERS["openai"],
        base_url="",
        deployment=model,
        logins=(),
        prices=lambda _: None,
        model=model,
        facts=facts_for(model),
    )


def translate(
    client: WireFormat,
    body: dict[str, Any],
    model: str = "",
    strict: bool = False,
    cap: int | None = None,
) -> Transformed:
    """A request of `client` for a provider of the other format."""
    provider = OTHER[client]
    return transform(
        client=CODECS[client],
        provider=CODECS[provider],
        envelope=open_envelope(json.dumps({"model": "asked-for", **body}).encode()),
        endpoint=endpoint(model or MODELS[provider]),
        output_cap=cap,
        strict=strict,
        identifier=IDENTIFIER,
        secret=SECRET,
    )


def sent(client: WireFormat, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the provider gets."""
    value: dict[str, Any] = json.loads(translate(client, body, **more).body)
    return value


def lost(client: WireFormat, body: dict[str, Any], **more: Any) -> set[tuple[str, str]]:
    """Path and weight of what is reported."""
    return {(loss.path, loss.weight) for loss in translate(client, body, **more).losses}


def lane(client: WireFormat, **more: Any) -> Transform:
    """The lane of a plain streaming request."""
    body: dict[str, Any] = {"stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    if client is CHAT:
        body["stream_options"] = {"include_usage": True}
    else:
        body["max_tokens"] = 100
    return translate(client, body | more).lane


def carry(way: Transform, chunks: Iterable[bytes]) -> bytes:
    """All of a stream through a lane, to the end of its body."""
    out = b"".join([way.feed(chunk) for chunk in chunks])
    return out if way.ended or way.failure else out + way.finish()


def read(stream: bytes) -> list[Any]:
    """The data of each event; an event that is no JSON stays text, a comment is left out."""
    splitter = Splitter()
    values: list[Any] = []
    for block in [*splitter.feed(stream), splitter.flush()]:
        _, data = sse.parse(block)
        if data:
            values.append(json.loads(data) if data.startswith(b"{") else data.decode())
    return values


def chat(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"messages": list(messages) or HELLO, **members}


def message(*messages: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"messages": list(messages) or HELLO, "max_tokens": 100, **members}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def called(*ids: str) -> dict[str, Any]:
    function = {"name": "look", "arguments": "{}"}
    calls = [{"id": name, "type": "function", "function": function} for name in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(call_id: str, content: str = "seen") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}
