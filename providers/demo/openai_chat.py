"""The demo in the words of Chat Completions (platform.openai.com/docs/api-reference/chat)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from providers.demo.script import Asked, Said, Tool
from providers.wire import sse


def read(body: dict[str, Any]) -> Asked:
    """Raises KeyError, TypeError or AttributeError on what is no such request."""
    messages = body["messages"]
    last = messages[-1]
    questions = [_text(m["content"]) for m in messages if m["role"] == "user"]
    functions = [tool["function"] for tool in body.get("tools") or [] if "function" in tool]
    return Asked(
        model=body["model"],
        stream=bool(body.get("stream")),
        question=questions[-1] if questions else "",
        characters=sum(len(_text(message.get("content"))) for message in messages),
        tools=tuple(Tool(f["name"], f.get("parameters") or {}) for f in functions),
        tool_choice=_tool_choice(body.get("tool_choice")),
        tool_result=_text(last["content"]) if last["role"] == "tool" else None,
        most_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        schema=_schema(body.get("response_format") or {}),
    )


def _schema(form: dict[str, Any]) -> dict[str, Any] | None:
    if form.get("type") == "json_schema":
        return dict(form["json_schema"].get("schema") or {"type": "object"})
    return {"type": "object"} if form.get("type") == "json_object" else None


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or [])


def _tool_choice(choice: Any) -> str:
    if isinstance(choice, dict):
        return str(choice["function"]["name"])
    return "any" if choice == "required" else choice or "auto"


def write(asked: Asked, said: Said, identifier: str) -> bytes:
    """The whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    if said.call is not None:
        message["tool_calls"] = [_tool_call(said, identifier)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(said)}
    head = _head(asked, identifier, "chat.completion")
    return msgspec.json.encode({**head, "choices": [choice], "usage": _usage(asked, said)})


def events(asked: Asked, said: Said, identifier: str, with_usage: bool) -> Iterator[bytes]:
    """The answer as a stream."""
    head = _head(asked, identifier, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse.encode(msgspec.json.encode({**head, "choices": [choice]}))

    yield chunk({"role": "assistant", "content": "" if said.call is None else None})
    if said.call is not None:
        yield chunk({"tool_calls": [{"index": 0, **_tool_call(said, identifier)}]})
    for piece in said.pieces:
        yield chunk({"content": piece})
    yield chunk({}, _finish(said))
    if with_usage:
        usage = {**head, "choices": [], "usage": _usage(asked, said)}
        yield sse.encode(msgspec.json.encode(usage))
    yield sse.encode(b"[DONE]")


def _head(asked: Asked, identifier: str, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-demo-{identifier}",
        "object": kind,
        "created": int(time.time()),
        "model": asked.model,
    }


def _tool_call(said: Said, identifier: str) -> dict[str, Any]:
    assert said.call is not None  # noqa: S101 — the callers have looked
    arguments = msgspec.json.encode(said.call.arguments).decode()
    function = {"name": said.call.name, "arguments": arguments}
    return {"id": f"call_demo_{identifier}", "type": "function", "function": function}


def _finish(said: Said) -> str:
    if said.call is not None:
        return "tool_calls"
    return "length" if said.cut else "stop"


def _usage(asked: Asked, said: Said) -> dict[str, int]:
    prompt, completion = asked.input_tokens, said.output_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def models(names: tuple[str, ...]) -> bytes:
    listed = [
        {"id": n, "object": "model", "created": 0, "owned_by": "patchbay-demo"} for n in names
    ]
    return msgspec.json.encode({"object": "list", "data": listed})
