"""Try many shapes at once, wherever a value may begin. Pure.

What is found is what each shape would find by itself, also where it lies within another; but in the midst of
a long row of numbers what counts only after a word is not looked for, since no word is near.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from usage.transcripts.shapes import EDGE_BEFORE, WORDS_BEFORE, Detector
from usage.transcripts.spans import Span

_MOST = 8
"""So many shapes are one regular expression: that none of them is there is said at once."""
_start = re.compile(rf"{EDGE_BEFORE}[0-9A-Za-z(]|\+")
# No letter, and no line end: where texts are joined by one, the name of a member may be the word.
_row = re.compile(rf"[0-9 .,;:+\-/()]{{{WORDS_BEFORE + 1}}}")


class Together:
    """Some detectors. Each begins with an edge and a letter, a digit or a bracket; or with a plus."""

    def __init__(self, detectors: Iterable[Detector]) -> None:
        # In this order, because of two that begin and end together the first one counts.
        chosen = sorted(detectors, key=lambda detector: detector.shortest)
        self._groups = _groups(chosen)
        self._anywhere = _groups([detector for detector in chosen if detector.needs is None])

    def find(
        self, text: str, low: int, high: int, seen: int, length: int, found: list[Span]
    ) -> None:
        """Add what begins from `low` to before `high`. Text from `seen` on is not looked at; what needs
        more than `length` characters of digits is not there."""
        for place in _start.finditer(text, low, high):
            start = place.start()
            before = start - WORDS_BEFORE - 1
            in_row = before >= 0 and _row.match(text, before, start) is not None
            for any_of, group in self._anywhere if in_row else self._groups:
                match = any_of.match(text, start, seen)
                if match is not None and match.lastindex is not None:
                    _judge(group[match.lastindex - 1 :], match, seen, length, found)


_Group = tuple[re.Pattern[str], list[Detector]]


def _groups(detectors: list[Detector]) -> list[_Group]:
    groups = [detectors[at : at + _MOST] for at in range(0, len(detectors), _MOST)]
    return [
        (re.compile("|".join(f"({d.pattern.pattern})" for d in group)), group) for group in groups
    ]


def _judge(
    detectors: list[Detector], first: re.Match[str], seen: int, length: int, found: list[Span]
) -> None:
    """The first is there, and the others are still to be tried."""
    text, start = first.string, first.start()
    match: re.Match[str] | None = first
    for detector in detectors:
        match = match or detector.pattern.match(text, start, seen)
        if match is not None and detector.shortest <= length:
            span = detector.judge(text, start, match.end())
            if span is not None:
                found.append(span)
        match = None
