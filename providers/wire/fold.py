"""A whole answer out of its events. There is one representation of an answer: the events."""

from __future__ import annotations

from collections.abc import Iterable

from providers.wire.events import (
    CitationAdd,
    Event,
    MessageEnd,
    MessageStart,
    PartDetails,
    ReasoningDelta,
    RefusalDelta,
    ServerActivity,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from providers.wire.model import (
    ChatResponse,
    Part,
    ReasoningPart,
    RefusalPart,
    Stop,
    StopReason,
    TextPart,
    ToolCallPart,
)


def fold(events: Iterable[Event]) -> ChatResponse:
    """Events that the Sequencer let through, up to and with MessageEnd."""
    response = ChatResponse("", "", [], Stop(StopReason.OTHER, ""))
    parts: dict[int, Part] = {}
    for event in events:
        match event:
            case MessageStart():
                response.response_id, response.model = event.response_id, event.model
            case ServerActivity(kind):
                response.activities.append(kind)
            case UsageReport():
                response.usage = event.usage
            case MessageEnd():
                response.stop = event.stop
            case _:
                _add(parts, event)
    response.parts = [parts[index] for index in sorted(parts)]
    return response


def _add(parts: dict[int, Part], event: Event) -> None:
    match event:
        case TextDelta(index, text):
            part = parts.setdefault(index, TextPart(""))
            assert isinstance(part, TextPart)  # noqa: S101 — the Sequencer never mixes kinds
            part.text += text
        case ReasoningDelta(index, text):
            _reasoning(parts, index).text += text
        case RefusalDelta(index, text):
            part = parts.setdefault(index, RefusalPart(""))
            assert isinstance(part, RefusalPart)  # noqa: S101
            part.text += text
        case ToolCallStart(index, call_id, name, details):
            parts[index] = ToolCallPart(call_id, name, "", details=details)
        case ToolCallDelta(index, arguments):
            part = parts[index]
            assert isinstance(part, ToolCallPart)  # noqa: S101
            part.arguments += arguments
        case PartDetails(index, details):
            reasoning = _reasoning(parts, index)
            reasoning.details = details
            reasoning.redacted = details.kind == "redacted"
        case CitationAdd(index, citation):
            part = parts[index]
            assert isinstance(part, TextPart)  # noqa: S101
            part.citations.append(citation)
        case _:
            pass


def _reasoning(parts: dict[int, Part], index: int) -> ReasoningPart:
    part = parts.setdefault(index, ReasoningPart(""))
    assert isinstance(part, ReasoningPart)  # noqa: S101
    return part
