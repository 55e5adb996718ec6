"""Puts overlapping parts one after another, for formats whose parts may not interleave.

The part that began first streams through; what comes of others meanwhile is kept, and follows in
the order in which they began.
"""

from __future__ import annotations

from collections.abc import Iterable

from providers.wire.errors import BadAnswer
from providers.wire.events import (
    CitationAdd,
    Event,
    PartDetails,
    PartEnd,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)

LARGEST_BACKLOG = 16 * 2**20
SIZE_OF_EVENT = 128

_OF_A_PART = (
    TextDelta,
    ToolCallDelta,
    ReasoningDelta,
    PartEnd,
    ToolCallStart,
    PartDetails,
    RefusalDelta,
    CitationAdd,
)


class Linearizer:
    """Events of one answer in, the same events out, with no two parts open at once."""

    __slots__ = ("_backlog", "_current", "_waiting")

    def __init__(self) -> None:
        self._current = -1
        self._waiting: dict[int, list[Event]] = {}
        self._backlog = 0

    def feed(self, events: Iterable[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            if not isinstance(event, _OF_A_PART):
                out.append(event)
            elif self._current in (-1, event.index):
                self._current = event.index
                out.append(event)
                if type(event) is PartEnd:
                    self._current = -1
                    self._release(out)
            else:
                self._keep(event.index, event)
        return out

    def _keep(self, index: int, event: Event) -> None:
        self._waiting.setdefault(index, []).append(event)
        self._backlog += SIZE_OF_EVENT
        if isinstance(event, ToolCallDelta):
            self._backlog += len(event.arguments)
        elif isinstance(event, TextDelta | ReasoningDelta | RefusalDelta):
            self._backlog += len(event.text)
        if self._backlog > LARGEST_BACKLOG:
            raise BadAnswer("its parts overlap by more than can be kept")

    def _release(self, out: list[Event]) -> None:
        """Let the waiting parts follow; the first that is not complete streams from here on."""
        while self._waiting:
            index = next(iter(self._waiting))
            events = self._waiting.pop(index)
            out += events
            if type(events[-1]) is not PartEnd:
                self._current = index
                return
        self._backlog = 0
