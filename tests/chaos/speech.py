"""Answers in the words of OpenAI Chat Completions and Anthropic Messages, as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

TEXT = "Hello from the scripted upstream."
CHAT_USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
MESSAGE_USAGE = {"input_tokens": 11, "output_tokens": 7}
DONE = b"data: [DONE]\n\n"

Call = tuple[str, str, Mapping[str, Any]]
"""A tool call: id, name, arguments."""


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def data(value: Any) -> bytes:
    """An unnamed event."""
    return b"data: " + compact(value) + b"\n\n"


def event(value: Mapping[str, Any]) -> bytes:
    """An event named by its type, as Anthropic writes it."""
    return b"event: " + str(value["type"]).encode() + b"\ndata: " + compact(value) + b"\n\n"


def words(text: str) -> list[str]:
    """The text in pieces that end after each space."""
    return text.replace(" ", " \0").split("\0")


def chat_body(
    text: str | None = TEXT,
    model: str = "gpt-test",
    usage: Mapping[str, Any] | None = CHAT_USAGE,
    calls: Sequence[Call] = (),
    thinking: str = "",
    **members: Any,
) -> bytes:
    """A chat completion. `members` are added at the top."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if thinking:
        message["reasoning_content"] = thinking
    if calls:
        message |= {"content": None, "tool_calls": [_chat_call(call) for call in calls]}
    finish = "tool_calls" if calls else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000}
    answer |= {"model": model, "choices": [choice], **members}
    if usage is not None:
        answer["usage"] = dict(usage)
    return compact(answer)


def _chat_call(call: Call) -> dict[str, Any]:
    identifier, name, arguments = call
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": identifier, "type": "function", "function": function}


def chat_chunk(delta: Mapping[str, Any], finish: str | None = None, **members: Any) -> bytes:
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000}
    return data({**chunk, "model": "gpt-test", "choices": [choice], **members})


def chat_usage(usage: Mapping[str, Any] = CHAT_USAGE) -> bytes:
    """The last chunk, which has the usage and no choices."""
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000}
    return data({**chunk, "model": "gpt-test", "choices": [], "usage": dict(usage)})


def chat_events(
    text: str = TEXT,
    usage: Mapping[str, Any] | None = CHAT_USAGE,
    calls: Sequence[Call] = (),
    thinking: str = "",
) -> list[bytes]:
    """The events of a streamed chat completion; without `usage` there is no chunk for it."""
    events = [chat_chunk({"role": "assistant", "content": None if calls else ""})]
    if thinking:
        events += [chat_chunk({"reasoning_content": word}) for word in words(thinking)]
    if calls:
        for index, call in enumerate(calls):
            events += _chat_call_events(index, call)
    else:
        events += [chat_chunk({"content": word}) for word in words(text)]
    events.append(chat_chunk({}, "tool_calls" if calls else "stop"))
    if usage is not None:
        events.append(chat_usage(usage))
    return [*events, DONE]


def _chat_call_events(index: int, call: Call) -> list[bytes]:
    whole = _chat_call(call)
    arguments = whole["function"]["arguments"]
    whole["function"] = {"name": whole["function"]["name"], "arguments": ""}
    half = len(arguments) // 2
    deltas = [{"index": index, **whole}]
    deltas += [
        {"index": index, "function": {"arguments": part}}
        for part in (arguments[:half], arguments[half:])
    ]
    return [chat_chunk({"tool_calls": [delta]}) for delta in deltas]


def message_body(
    text: str = TEXT,
    model: str = "claude-test",
    usage: Mapping[str, Any] | None = MESSAGE_USAGE,
    calls: Sequence[Call] = (),
    thinking: str = "",
    **members: Any,
) -> bytes:
    """A message. `members` are added at the top."""
    content: list[dict[str, Any]] = []
    if thinking:
        content.append({"type": "thinking", "thinking": thinking, "signature": "c2lnbmF0dXJl"})
    if not calls:
        content.append({"type": "text", "text": text})
    for identifier, name, arguments in calls:
        content.append({"type": "tool_use", "id": identifier, "name": name, "input": arguments})
    answer: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant"}
    answer |= {"model": model, "content": content, "stop_sequence": None}
    answer |= {"stop_reason": "tool_use" if calls else "end_turn", **members}
    if usage is not None:
        answer["usage"] = dict(usage)
    return compact(answer)


def message_events(
    text: str = TEXT,
    usage: Mapping[str, Any] | None = MESSAGE_USAGE,
    calls: Sequence[Call] = (),
    thinking: str = "",
) -> list[bytes]:
    """The events of a streamed message; without `usage` its numbers are zero."""
    counts = dict(usage or {"input_tokens": 0, "output_tokens": 0})
    message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant"}
    message |= {"model": "claude-test", "content": [], "stop_reason": None, "stop_sequence": None}
    message |= {"usage": {**counts, "output_tokens": min(1, counts["output_tokens"])}}
    events = [event({"type": "message_start", "message": message}), event({"type": "ping"})]
    for index, (block, deltas) in enumerate(_blocks(text, calls, thinking)):
        events += _block_events(index, block, deltas)
    stop = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
    output = {"output_tokens": counts["output_tokens"]}
    events.append(event({"type": "message_delta", "delta": stop, "usage": output}))
    return [*events, event({"type": "message_stop"})]


def _blocks(
    text: str, calls: Sequence[Call], thinking: str
) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each content block as it starts, and its deltas."""
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if thinking:
        thoughts = [{"type": "thinking_delta", "thinking": word} for word in words(thinking)]
        thoughts.append({"type": "signature_delta", "signature": "c2lnbmF0dXJl"})
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, thoughts))
    if not calls:
        said = [{"type": "text_delta", "text": word} for word in words(text)]
        blocks.append(({"type": "text", "text": ""}, said))
    for identifier, name, arguments in calls:
        written = json.dumps(arguments)
        half = len(written) // 2
        parts = ("", written[:half], written[half:])
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        blocks.append(({"type": "tool_use", "id": identifier, "name": name, "input": {}}, deltas))
    return blocks


def _block_events(
    index: int, block: Mapping[str, Any], deltas: Sequence[Mapping[str, Any]]
) -> list[bytes]:
    events = [event({"type": "content_block_start", "index": index, "content_block": block})]
    for delta in deltas:
        events.append(event({"type": "content_block_delta", "index": index, "delta": delta}))
    return [*events, event({"type": "content_block_stop", "index": index})]


def chat_error(message: str, kind: str = "server_error", code: str | None = None) -> bytes:
    fault = {"message": message, "type": kind, "param": None, "code": code}
    return compact({"error": fault})


def message_error(message: str, kind: str = "api_error") -> bytes:
    fault = {"type": kind, "message": message}
    return compact({"type": "error", "error": fault, "request_id": "req_upstream"})
