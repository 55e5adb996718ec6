"""The demo in the words of Messages (docs.anthropic.com/en/api/messages)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from providers.demo.script import Asked, Said, Tool
from providers.wire import sse


def read(body: dict[str, Any]) -> Asked:
    """Raises KeyError, TypeError or AttributeError on what is no such request."""
    messages = body["messages"]
    questions = [_text(m["content"]) for m in messages if m["role"] == "user"]
    texts = [_text(message["content"]) for message in messages]
    tools = [tool for tool in body.get("tools") or [] if "input_schema" in tool]
    return Asked(
        model=body["model"],
        stream=bool(body.get("stream")),
        question=next((text for text in reversed(questions) if text), ""),
        characters=sum(map(len, texts)) + len(_text(body.get("system"))),
        tools=tuple(Tool(tool["name"], tool["input_schema"]) for tool in tools),
        tool_choice=_tool_choice(body.get("tool_choice")),
        tool_result=_tool_result(messages[-1]["content"]),
        most_tokens=body.get("max_tokens"),
        schema=((body.get("output_config") or {}).get("format") or {}).get("schema"),
    )


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or [] if part.get("type") == "text")


def _tool_choice(choice: Any) -> str:
    if not choice:
        return "auto"
    return str(choice["name"] if choice["type"] == "tool" else choice["type"])


def _tool_result(content: Any) -> str | None:
    """Whatever else the last message holds: clients add reminders of their own to a result."""
    if isinstance(content, str):
        return None
    results = [part for part in content if part.get("type") == "tool_result"]
    return _text(results[-1].get("content")) if results else None


def write(asked: Asked, said: Said, identifier: str) -> bytes:
    """The whole answer."""
    message = _message(asked, identifier)
    message["content"] = [_block(said, identifier, whole=True)]
    message["stop_reason"] = _stop_reason(said)
    message["usage"] = _usage(asked, said.output_tokens)
    return msgspec.json.encode(message)


def events(asked: Asked, said: Said, identifier: str) -> Iterator[bytes]:
    """The answer as a stream."""
    yield _event("message_start", message=_message(asked, identifier))
    block = _block(said, identifier, whole=False)
    yield _event("content_block_start", index=0, content_block=block)
    for piece in said.pieces:
        yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    if said.call is not None:
        arguments = msgspec.json.encode(said.call.arguments).decode()
        delta = {"type": "input_json_delta", "partial_json": arguments}
        yield _event("content_block_delta", index=0, delta=delta)
    yield _event("content_block_stop", index=0)
    ending = {"stop_reason": _stop_reason(said), "stop_sequence": None}
    yield _event("message_delta", delta=ending, usage={"output_tokens": said.output_tokens})
    yield _event("message_stop")


def _event(kind: str, **members: Any) -> bytes:
    return sse.encode(msgspec.json.encode({"type": kind, **members}), kind.encode())


def _message(asked: Asked, identifier: str) -> dict[str, Any]:
    """A message that has only begun."""
    return {
        "id": f"msg_demo_{identifier}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(asked, 1),
    }


def _block(said: Said, identifier: str, whole: bool) -> dict[str, Any]:
    if said.call is None:
        return {"type": "text", "text": said.text if whole else ""}
    arguments = said.call.arguments if whole else {}
    name = said.call.name
    return {"type": "tool_use", "id": f"toolu_demo_{identifier}", "name": name, "input": arguments}


def _stop_reason(said: Said) -> str:
    if said.call is not None:
        return "tool_use"
    return "max_tokens" if said.cut else "end_turn"


def _usage(asked: Asked, output_tokens: int) -> dict[str, int]:
    return {"input_tokens": asked.input_tokens, "output_tokens": output_tokens}


def models(names: tuple[str, ...]) -> bytes:
    listed = [
        {"type": "model", "id": n, "display_name": n, "created_at": "1970-01-01T00:00:00Z"}
        for n in names
    ]
    page = {"data": listed, "has_more": False, "first_id": names[0], "last_id": names[-1]}
    return msgspec.json.encode(page)
