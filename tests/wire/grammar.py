"""What a legal row of events is, said a second time and in another way than the Sequencer does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from providers.wire.events import (
    CitationAdd,
    Event,
    Failure,
    MessageEnd,
    MessageStart,
    PartDetails,
    PartEnd,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)

KINDS: dict[type[Any], str] = {
    TextDelta: "text",
    CitationAdd: "text",
    ReasoningDelta: "reasoning",
    PartDetails: "reasoning",
    RefusalDelta: "refusal",
    ToolCallStart: "call",
    ToolCallDelta: "call",
}


def check(events: Iterable[Event], overlapping: bool = True) -> None:
    """Fails unless the row is legal as far as it goes."""
    begun = over = False
    kinds: dict[int, str] = {}
    open_parts: set[int] = set()
    for event in events:
        assert not over, f"{event} after the end"
        if isinstance(event, MessageStart):
            assert not begun, "a second start"
            begun = True
        elif isinstance(event, MessageEnd):
            assert begun
            assert not open_parts, "a part is open at the end"
            over = True
        elif isinstance(event, Failure):
            over = True
        elif isinstance(event, PartEnd):
            open_parts.remove(event.index)
        elif type(event) in KINDS:
            _check_part(event, kinds, open_parts)
            assert begun, "a part before the start"
        assert overlapping or len(open_parts) <= 1, "two parts are open"


def _check_part(event: Any, kinds: dict[int, str], open_parts: set[int]) -> None:
    kind = KINDS[type(event)]
    if event.index not in kinds:
        assert event.index == len(kinds), "a number is left out"
        assert not isinstance(event, ToolCallDelta | CitationAdd)
        kinds[event.index] = kind
        open_parts.add(event.index)
        return
    assert not isinstance(event, ToolCallStart), "a call begins twice"
    if not isinstance(event, PartDetails) or kinds[event.index] != "call":
        assert kinds[event.index] == kind, "a part changes its kind"
    assert event.index in open_parts, "content after the end of its part"
