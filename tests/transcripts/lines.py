"""Makes the lines that transcripts are stored as, for both client formats."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from usage.transcripts.segments import STAMP, compress_indexed
from usage.transcripts.stored import read_line

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC).timestamp()
PNG = "iVBORw0KGgo" + "A" * 15989

_numbers = itertools.count(1)


def id_at(moment: float) -> str:
    """A UUIDv7 of a moment, as the gateway makes them; unique, and larger than those before."""
    milliseconds = int(moment * 1000)
    value = (milliseconds << 80) | (7 << 76) | (0b10 << 62) | next(_numbers)
    return str(uuid.UUID(int=value))


def line(moment: float = NOON, **members: Any) -> dict[str, Any]:
    """The object of one line: a whole chat that began then, but for what is given."""
    return {
        "v": 1,
        "exchange_id": id_at(moment),
        "time": moment,
        "level": "full",
        "client_key": "alice",
        "team": "",
        "owner": "",
        "session": "",
        "client_request_id": "",
        "trace_id": "",
        "end_user": "",
        "rule": "gpt",
        "provider": "openai",
        "deployment": "*",
        "client_format": "openai.chat",
        "upstream_format": "openai.chat",
        "model": "gpt-5",
        "request_model": "gpt-5",
        "response_model": "gpt-5-2026",
        "stream": True,
        "outcome": "completed",
        "reason": "ok",
        "status": 200,
        "first_content_ms": 12.3,
        "total_ms": 456.7,
        "attempts": [attempt()],
        "tokens": {"input": 11, "output": 7, "cached_input": 0, "reasoning": 0},
        "cost_nano": 123,
        **chat([user("What is the capital of France?")], "Paris."),
        "upstream_request": None,
        "partial": False,
        "truncated": {"request": 0, "upstream_request": 0, "response": 0},
        "redacted": {},
        "unredactable": False,
        **members,
    }


def attempt(**members: Any) -> dict[str, Any]:
    made = {"provider": "openai", "deployment": "*", "model": "gpt-5", "credential": "main"}
    return {**made, "status": 200, "reason": "ok", "ms": 450.1, "why": "", **members}


def metadata(moment: float = NOON, **members: Any) -> dict[str, Any]:
    """A line of level "metadata": no bodies at all."""
    made = line(moment, level="metadata", **members)
    return {
        name: made[name] for name in made if name not in ("request", "response", "upstream_request")
    }


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def chat(messages: list[Any], answer: str | dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """`request` and `response` of a Chat Completions line; an answer is a text, a message, or none."""
    message = {"content": answer} if isinstance(answer, str) else answer
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", **(message or {})},
    }
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}
    return {
        "request": {"model": "gpt-5", "messages": messages, **more},
        "response": None if answer is None else whole,
    }


def messages(turns: list[Any], answer: str | list[Any], **more: Any) -> dict[str, Any]:
    """The same of an Anthropic Messages line."""
    content = [{"type": "text", "text": answer}] if isinstance(answer, str) else answer
    return {
        "client_format": "anthropic.messages",
        "request": {"model": "claude", "max_tokens": 100, "messages": turns, **more},
        "response": {
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": "end_turn",
        },
    }


def tool_talk() -> list[dict[str, Any]]:
    """Three exchanges of an agent in Chat Completions, each going on from the one before."""
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "read", "arguments": '{"path": "a.txt"}'},
    }
    first = [{"role": "system", "content": "You are careful."}, user("What is in a.txt?")]
    second = [
        *first,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "forty-two"},
    ]
    third = [*second, {"role": "assistant", "content": "The number 42."}, user("Thank you.")]
    return [
        line(NOON, **chat(first, {"content": None, "tool_calls": [call], "refusal": None})),
        line(NOON + 5, **chat(second, "The number 42.")),
        line(NOON + 60, **chat(third, "You are welcome.")),
    ]


def sealed(one: dict[str, Any]) -> dict[str, Any]:
    """The same with its bodies under the first key of the ring."""
    head = read_line(encoded(one), Path()).head
    head.seal()
    made: dict[str, Any] = json.loads(msgspec.json.encode(head))
    return made


def encoded(*lines: dict[str, Any] | bytes) -> bytes:
    """As they stand in a file. Bytes are a line as it is, damaged for instance."""
    return b"".join(
        (
            each
            if isinstance(each, bytes)
            else json.dumps(each, separators=(",", ":"), ensure_ascii=False).encode()
        )
        + b"\n"
        for each in lines
    )


def live(directory: Path, *lines: dict[str, Any] | bytes) -> Path:
    """Append to the live segment."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "transcripts.log"
    with path.open("ab") as file:
        file.write(encoded(*lines))
    return path


def rotated(directory: Path, moment: float, *lines: dict[str, Any] | bytes) -> Path:
    """A segment that was rotated then."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"transcripts-{datetime.fromtimestamp(moment, UTC).strftime(STAMP)}.log"
    path.write_bytes(encoded(*lines))
    return path


def compressed(directory: Path, moment: float, *lines: dict[str, Any] | bytes) -> Path:
    """The same, compressed with its index."""
    return compress_indexed(rotated(directory, moment, *lines))


def ids(lines: Iterable[Any]) -> list[str]:
    """The ids of lines that were made here, or read."""
    return [
        each["exchange_id"] if isinstance(each, dict) else each.head.exchange_id for each in lines
    ]
