"""A matcher of regular expressions that goes every way to its end, and counts what it compares."""

from __future__ import annotations

from collections.abc import Callable
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from usage.transcripts.pattern_ways import REPEATS

Then = Callable[[int], bool]
Nodes = list[tuple[Any, Any]]


class Steps:
    """Nothing counts as a match, so every way is gone to its end: `re` has no more to do at the place."""

    def __init__(self, pattern: str, text: str) -> None:
        self._nodes: Nodes = list(parser.parse(pattern))
        self._text = text
        self.count = 0

    def at(self, place: int) -> int:
        """How many characters all ways from this place compare together."""
        self.count = 0
        self._match(self._nodes, place, lambda _: False)
        return self.count

    def _match(self, nodes: Nodes, place: int, then: Then) -> bool:
        if not nodes:
            return then(place)
        (kind, value), rest = nodes[0], nodes[1:]

        def go_on(end: int) -> bool:
            return self._match(rest, end, then)

        if kind in REPEATS:
            return self._repeat(value, 0, place, go_on)
        if kind is sre.BRANCH:
            return any(self._match(list(branch), place, go_on) for branch in value[1])
        if kind is sre.SUBPATTERN:
            return self._match(list(value[3]), place, go_on)
        if kind is sre.AT:
            return go_on(place)
        return place < len(self._text) and self._takes(kind, value, place) and go_on(place + 1)

    def _repeat(self, value: tuple[int, int, Any], done: int, place: int, then: Then) -> bool:
        least, most, body = value
        more = done < most and self._match(
            list(body),
            place,
            lambda end: end > place and self._repeat(value, done + 1, end, then),
        )
        return more or (done >= least and then(place))

    def _takes(self, kind: Any, value: Any, place: int) -> bool:
        self.count += 1
        mark = self._text[place]
        if kind is sre.LITERAL:
            return bool(ord(mark) == value)
        if kind is sre.NOT_LITERAL:
            return bool(ord(mark) != value)
        if kind is sre.ANY:
            return mark != "\n"
        return any(self._is_in(item, mark) for item in value)

    def _is_in(self, item: tuple[Any, Any], mark: str) -> bool:
        kind, value = item
        if kind is sre.RANGE:
            return bool(value[0] <= ord(mark) <= value[1])
        if kind is sre.CATEGORY:
            word = mark.isalnum() or mark == "_"
            return bool(mark.isdigit() if value is sre.CATEGORY_DIGIT else word)
        return bool(ord(mark) == value)
