"""Pieces of streams, and what is in a stream that a client got."""

from __future__ import annotations

from typing import Any

from tests.chaos.speech import chat_chunk, event
from tests.wire.talk import CHAT, MESSAGES, carry, lane, read

ROLE = chat_chunk({"role": "assistant", "content": ""})
STOP = chat_chunk({}, "stop")


def piece(index: int | None, arguments: str = "", **more: Any) -> dict[str, Any]:
    """A piece of a call. `name` makes it a first one."""
    name = more.pop("name", None)
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"function": function, **({} if index is None else {"index": index}), **more}


def calls(*pieces: dict[str, Any]) -> bytes:
    return chat_chunk({"tool_calls": list(pieces)})


def to_messages(*blocks: bytes) -> list[Any]:
    """The events that a Messages client gets for a stream of chunks."""
    return read(carry(lane(MESSAGES), blocks))


def to_chat(*blocks: bytes) -> list[Any]:
    """The chunks that a Chat Completions client gets for a stream of events."""
    return read(carry(lane(CHAT), blocks))


def blocks_of(events: list[Any]) -> list[tuple[str, str]]:
    """(type, content) of each block; fails if blocks overlap or their numbers have gaps."""
    found: list[tuple[str, str]] = []
    current = None
    for item in events:
        match item["type"]:
            case "content_block_start":
                assert current is None
                current = item["index"]
                assert current == len(found)
                block = item["content_block"]
                found.append((block["type"], block.get("name", "") + block.get("data", "")))
            case "content_block_delta":
                assert item["index"] == current
                kind, text = found[-1]
                delta = item["delta"]
                said = [delta.get(name, "") for name in ("text", "thinking", "partial_json")]
                found[-1] = (kind, text + "".join(said))
            case "content_block_stop":
                assert item["index"] == current
                current = None
    assert current is None
    return found


def stop_of(events: list[Any]) -> str:
    [delta] = [item for item in events if item["type"] == "message_delta"]
    return str(delta["delta"]["stop_reason"])


def said(chunks: list[Any], name: str) -> str:
    deltas = [c["choices"][0]["delta"] for c in chunks if isinstance(c, dict) and c["choices"]]
    return "".join(delta.get(name) or "" for delta in deltas)


def finish_of(chunks: list[Any]) -> str:
    found = [c["choices"][0]["finish_reason"] for c in chunks if c != "[DONE]" and c["choices"]]
    [finish] = [word for word in found if word]
    return str(finish)


def speech_of(text: str) -> bytes:
    return chat_chunk({"content": text})


START = event(
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "model": "claude-test",
            "content": [],
            "usage": {"input_tokens": 5, "output_tokens": 1},
        },
    }
)
MESSAGE_STOP = event({"type": "message_stop"})


def opened(index: int, **block: Any) -> bytes:
    return event({"type": "content_block_start", "index": index, "content_block": block})


def delta(index: int, **members: Any) -> bytes:
    return event({"type": "content_block_delta", "index": index, "delta": members})


def closed(index: int) -> bytes:
    return event({"type": "content_block_stop", "index": index})


def ended(reason: str, **usage: Any) -> bytes:
    return event({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage})
