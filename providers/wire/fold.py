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
    pieces: dict[int, list[str]] = {}
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
                _add(parts, pieces, event)
    for index, said in pieces.items():
        _put(parts[index], "".join(said))
    response.parts = [parts[index] for index in sorted(parts)]
    return response


def _add(parts: dict[int, Part], pieces: dict[int, list[str]], event: Event) -> None:
    """`pieces` are joined once: to add each to what there is would copy that every time."""
    match event:
        case TextDelta(index, text):
            parts.setdefault(index, TextPart(""))
            pieces.setdefault(index, []).append(text)
        case ReasoningDelta(index, text):
            parts.setdefault(index, ReasoningPart(""))
            pieces.setdefault(index, []).append(text)
        case RefusalDelta(index, text):
            parts.setdefault(index, RefusalPart(""))
            pieces.setdefault(index, []).append(text)
        case ToolCallStart(index, call_id, name, details):
            parts[index] = ToolCallPart(call_id, name, "", details=details)
        case ToolCallDelta(index, arguments):
            pieces.setdefault(index, []).append(arguments)
        case PartDetails(index, details):
            part = parts.setdefault(index, ReasoningPart(""))
            assert isinstance(part, ReasoningPart | ToolCallPart)  # noqa: S101 — kinds are never mixed
            part.details = details
            if isinstance(part, ReasoningPart):
                part.redacted = details.kind == "redacted"
        case CitationAdd(index, citation):
            part = parts[index]
            assert isinstance(part, TextPart)  # noqa: S101
            part.citations.append(citation)
        case _:
            pass


def _put(part: Part, said: str) -> None:
    match part:
        case ToolCallPart():
            part.arguments = said
        case TextPart() | ReasoningPart() | RefusalPart():
            part.text = said
        case _:
            pass
