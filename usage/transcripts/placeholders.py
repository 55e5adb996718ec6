"""Put placeholders in place of what was found: the same value, the same `<EMAIL_1>`. Pure.

A placeholder that stands in a text already is left as it is, because it may be ours: redacting twice
changes nothing. Its number is then taken, and no value gets it. Only if a value got that number in this
very text before, the placeholder cannot be ours, and gets another number like any value.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from usage.transcripts.shapes import WORDS_BEFORE
from usage.transcripts.spans import HIDDEN, SECRET, Span

NAME = r"[A-Z][A-Z0-9_]{0,29}"
PLACEHOLDER = re.compile(rf"<({NAME})_([0-9]{{1,9}})>")
LONGEST_PLACEHOLDER = 48
LITERAL = "LITERAL"
"""The kind of a span that is a placeholder of the text's own."""

_MARK = rf"(?:<{NAME}_[0-9]{{1,9}}>|\[hidden\])"
_mark = re.compile(_MARK)
_letter = re.compile(r"[A-Za-z]")
_mark_before = re.compile(rf"{_MARK}[.\-]?\Z")
_mark_after = re.compile(rf"[.\-]?{_MARK}")


class Names:
    """Which value has which number, for one exchange or one conversation. Holds values: never log it."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._taken: dict[str, dict[int, int]] = {}
        self._last: dict[str, int] = {}
        self._turn = 0
        self.counts: defaultdict[str, int] = defaultdict(int)
        """How much was replaced, by kind; secrets are `SECRET`."""
        self.unscanned = 0
        """Characters of base64 that were not read."""

    def begin(self) -> int:
        """A text begins. What was numbered before it may stand in it as a placeholder of ours."""
        self._turn += 1
        return self._turn

    def placeholder(self, kind: str, value: str) -> str:
        number = self._numbers.get((kind, value))
        if number is None:
            number = self._numbers[kind, value] = self._next(kind)
        return f"<{kind}_{number}>"

    def literal(self, text: str, kind: str, number: int, since: int) -> str:
        """What becomes of a placeholder that stood in a text which began at turn `since`."""
        taken = self._taken.setdefault(kind, {})
        if number not in taken:
            taken[number] = self._turn
            self._numbers[kind, text] = number
            return text
        if taken[number] < since or self._numbers.get((kind, text)) == number:
            return text
        return self.placeholder(kind, text)

    def _next(self, kind: str) -> int:
        taken = self._taken.setdefault(kind, {})
        number = self._last.get(kind, 0) + 1
        while number in taken:
            number += 1
        self._last[kind] = number
        taken[number] = self._turn
        return number


class Painter:
    """Goes through one text from left to right, also if it comes in pieces, and replaces spans."""

    def __init__(self, names: Names, since: int, context: str = "") -> None:
        self._names = names
        self._since = since
        self._context = _after_marks(context)
        self._last_kind = ""
        self.done = 0
        """Up to here everything is decided, and what was found is replaced."""
        self.grows: re.Pattern[str] | None = None
        """What still belongs to the last span, if the text goes on."""

    def shift(self, by: int) -> None:
        """The text lost so many characters at its beginning."""
        self.done -= by
        self._context = ""

    def grow(self, text: str) -> None:
        """More text has come: the last span takes what belongs to it."""
        if self.grows is not None:
            match = self.grows.match(text, self.done)
            self.done = match.end() if match is not None else self.done
            if self.done < len(text):
                self.grows = None

    def paint(self, text: str, spans: Iterable[Span], start: int, end: int) -> str:
        """The text from `start` to `end`, or to where the last span ends."""
        pieces = []
        written = max(start, self.done)
        for span in sorted(spans, key=_order):
            if span.end <= self.done or not self._counts(text, span):
                continue
            if span.start > written:
                pieces.append(text[written : span.start])
            pieces.append(self._mark(text, span))
            self.done = written = span.end
            self._last_kind = span.kind
            self.grows = span.grows if span.end == len(text) else None
        pieces.append(text[written:end])
        return "".join(pieces)

    def _counts(self, text: str, span: Span) -> bool:
        """Judges by what stands around it, up to the span or placeholder before it and no further."""
        if span.kind in (SECRET, LITERAL):
            return True
        start = max(self.done, span.start - WORDS_BEFORE, 0)
        before = text[start : span.start]
        if start == 0:
            before = f"{self._context}: {before}" if self._context else before
        if span.needs is not None and not (_letter.search(before) and span.needs.search(before)):
            return False
        if span.unless is not None and span.unless.search(before):
            return False
        return span.start < self.done or not _is_glued(text, span)

    def _mark(self, text: str, span: Span) -> str:
        if span.kind == LITERAL:
            literal = text[span.start : span.end]
            match = PLACEHOLDER.fullmatch(literal)
            if match is None:
                return literal
            return self._names.literal(literal, match[1], int(match[2]), self._since)
        if span.kind == SECRET:
            if self._last_kind == SECRET and span.start <= self.done:
                return ""
            self._names.counts[SECRET] += 1
            return HIDDEN
        self._names.counts[span.kind] += 1
        value = span.value or text[span.start : span.end].casefold()
        return self._names.placeholder(span.kind, value)


def _order(span: Span) -> tuple[int, bool, int]:
    return (span.start, span.kind not in (LITERAL, SECRET), -span.end)


def _after_marks(context: str) -> str:
    """Words in a placeholder say nothing about what follows."""
    marks = list(_mark.finditer(context))
    return context[marks[-1].end() :] if marks else context


def _is_glued(text: str, span: Span) -> bool:
    """A mark counts like a letter: what was no value beside the value is none beside its placeholder."""
    start, end = span.start, span.end
    before = text[max(0, start - LONGEST_PLACEHOLDER) : start]
    if (">" in before[-2:] or "]" in before[-2:]) and _mark_before.search(before):
        return True
    return _mark_after.match(text, end) is not None


def literals(text: str, low: int, high: int, found: list[Span]) -> None:
    """Placeholders and hidden places that stand in the text already."""
    for match in PLACEHOLDER.finditer(text, low):
        if match.start() >= high:
            break
        found.append(Span(*match.span(), LITERAL))
    place = text.find(HIDDEN, low)
    while 0 <= place < high:
        found.append(Span(place, place + len(HIDDEN), LITERAL))
        place = text.find(HIDDEN, place + 1)
