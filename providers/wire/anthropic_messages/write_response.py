"""Write a whole answer as a message, and the pieces that its stream shares."""

from __future__ import annotations

import msgspec

from providers.wire.carriers import pack
from providers.wire.codec import AnswerHead
from providers.wire.json_text import Json, as_object
from providers.wire.model import (
    ChatResponse,
    Part,
    ProviderDetails,
    ReasoningPart,
    RefusalPart,
    Stop,
    StopReason,
    TextPart,
    ToolCallPart,
)
from providers.wire.usage import Usage

STOPS = {
    StopReason.END: "end_turn",
    StopReason.STOP_SEQUENCE: "stop_sequence",
    StopReason.LENGTH: "max_tokens",
    StopReason.CONTEXT_FULL: "model_context_window_exceeded",
    StopReason.TOOL_USE: "tool_use",
    StopReason.REFUSAL: "refusal",
    StopReason.PAUSE: "pause_turn",
}
NOTHING = Usage()


def write_response(response: ChatResponse, head: AnswerHead) -> bytes:
    """A whole answer."""
    for kind in response.activities:
        head.lose_activity(kind)
    content: list[Json] = []
    for part in response.parts:
        content += _blocks(part, head)
    return msgspec.json.encode(
        {
            "id": f"msg_{head.identifier}",
            "type": "message",
            "role": "assistant",
            "model": response.model or head.model,
            "content": content,
            **write_stop(response.stop, head),
            "usage": write_usage(response.usage or NOTHING),
        }
    )


def _blocks(part: Part, head: AnswerHead) -> list[Json]:
    match part:
        case TextPart(text):
            if part.citations:
                lose_citations(head)
            return [{"type": "text", "text": text}]
        case RefusalPart(text):
            return [{"type": "text", "text": text}]
        case ReasoningPart(text, redacted, details):
            if redacted and details is not None:
                return [redacted_block(details)]
            signature = pack(details) if details is not None else ""
            return [{"type": "thinking", "thinking": text, "signature": signature}]
        case ToolCallPart():
            carrier = [] if part.details is None else [carrier_block(part.details)]
            return [
                *carrier,
                {**call_block(part.call_id, part.name), "input": _input(part.arguments, head)},
            ]
        case _:
            return []


def _input(arguments: str, head: AnswerHead) -> msgspec.Raw:
    """The model's own JSON text, if it is an object."""
    written, wrapped = as_object(arguments)
    if wrapped:
        head.lose("content", "arguments that are no JSON object are given wrapped in one")
    return written


def call_block(call_id: str, name: str) -> Json:
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}}


def redacted_block(details: ProviderDetails) -> Json:
    return {"type": "redacted_thinking", "data": pack(details)}


def carrier_block(details: ProviderDetails) -> Json:
    """State of a call, which this format can only keep in a thinking block before it."""
    return {"type": "thinking", "thinking": "", "signature": pack(details)}


def lose_citations(head: AnswerHead) -> None:
    head.lose("citations", "citations are not carried into Messages")


def write_stop(stop: Stop, head: AnswerHead) -> Json:
    word = STOPS.get(stop.reason)
    if word is None or not stop.raw:
        head.lose_stop(stop.raw, word or "end_turn")
    return {"stop_reason": word or "end_turn", "stop_sequence": stop.sequence}


def write_usage(usage: Usage) -> Json:
    """Here cached input stands beside the input, not inside. Absent numbers are zeros."""
    written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    fresh = usage.input_tokens - usage.cached_input_tokens - written
    numbers: Json = {
        "input_tokens": max(0, fresh),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        numbers["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return numbers
