"""Write a whole answer as a chat completion, and the pieces that its chunks share."""

from __future__ import annotations

import msgspec

from providers.wire.carriers import pack
from providers.wire.codec import AnswerHead
from providers.wire.json_text import Json
from providers.wire.model import (
    ChatResponse,
    Citation,
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
    StopReason.END: "stop",
    StopReason.STOP_SEQUENCE: "stop",
    StopReason.LENGTH: "length",
    StopReason.CONTEXT_FULL: "length",
    StopReason.TOOL_USE: "tool_calls",
    StopReason.REFUSAL: "content_filter",
}
NOTHING = Usage()


def write_response(response: ChatResponse, head: AnswerHead) -> bytes:
    """A whole answer."""
    for kind in response.activities:
        head.lose_activity(kind)
    answer = {
        "id": f"chatcmpl-{head.identifier}",
        "object": "chat.completion",
        "created": head.created,
        "model": response.model or head.model,
        "choices": [
            {
                "index": 0,
                "message": _message(response, head),
                "logprobs": None,
                "finish_reason": write_stop(response.stop, head),
            }
        ],
        "usage": write_usage(response.usage or NOTHING),
    }
    return msgspec.json.encode(answer)


def _message(response: ChatResponse, head: AnswerHead) -> Json:
    texts = [part for part in response.parts if isinstance(part, TextPart)]
    thoughts = [
        (index, part)
        for index, part in enumerate(response.parts)
        if isinstance(part, ReasoningPart)
    ]
    calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
    refusals = [part.text for part in response.parts if isinstance(part, RefusalPart)]
    message: Json = {
        "role": "assistant",
        "content": "".join(part.text for part in texts) if texts else None,
        "refusal": "".join(refusals) or None,
    }
    reasoning = "".join(part.text for _, part in thoughts)
    if reasoning:
        message["reasoning_content"] = reasoning
    states = [
        write_state(index, part.text, part.details)
        for index, part in thoughts
        if part.details is not None
    ]
    if states:
        message["reasoning_details"] = states
    annotations = _annotations(texts, head)
    if annotations:
        message["annotations"] = annotations
    if calls:
        message["tool_calls"] = [
            write_call(
                part.call_id,
                {"name": part.name, "arguments": part.arguments or "{}"},
                part.details,
            )
            for part in calls
        ]
    return message


def _annotations(texts: list[TextPart], head: AnswerHead) -> list[Json]:
    """A citation is of the whole text that it came with: its place within is not said."""
    found: list[Json] = []
    start = 0
    for part in texts:
        end = start + len(part.text)
        written = [write_citation(citation, start, end, head) for citation in part.citations]
        found += [annotation for annotation in written if annotation is not None]
        start = end
    return found


def write_call(call_id: str, function: dict[str, str], details: ProviderDetails | None) -> Json:
    call: Json = {"id": call_id, "type": "function", "function": function}
    return call if details is None else call | write_call_state(details)


def write_call_state(details: ProviderDetails) -> Json:
    if details.vendor != "google":
        return {}
    return {"extra_content": {"google": {"thought_signature": details.data}}}


def write_state(index: int, text: str, details: ProviderDetails) -> Json:
    """State that a client may hand back; SDKs put list pieces together by `index`."""
    if details.kind == "redacted":
        return {"index": index, "type": "reasoning.encrypted", "data": pack(details)}
    return {
        "index": index,
        "type": "reasoning.text",
        "text": text,
        "signature": pack(details),
    }


def write_citation(citation: Citation, start: int, end: int, head: AnswerHead) -> Json | None:
    if citation.url is None:
        head.lose("citations", "only citations of web addresses are carried")
        return None
    url = {
        "start_index": start,
        "end_index": end,
        "title": citation.title or citation.url,
        "url": citation.url,
    }
    return {"type": "url_citation", "url_citation": url}


def write_stop(stop: Stop, head: AnswerHead) -> str:
    word = STOPS.get(stop.reason)
    if word is None or not stop.raw:
        head.lose_stop(stop.raw, word or "stop")
    return word or "stop"


def write_usage(usage: Usage) -> Json:
    """Absent numbers are written as zeros, since clients index them."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
            "audio_tokens": usage.input_audio_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.output_audio_tokens,
        },
    }
