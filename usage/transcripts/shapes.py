"""What a detector is, and the edges that all of them share. Pure.

Edges look at most two characters to either side, and at nothing but letters, digits, and a dot or a dash
before one: so a value that is replaced never turns its neighbour into a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from usage.transcripts.spans import Span

LONGEST = 330
"""No value is longer: RFC 5321 allows an address 64 characters, @, and 255."""
WORDS_BEFORE = 40
"""How far before a value a word counts for it."""

GAP = r"[ .\-/()\u00a0\u2007\u2009\u202f\u2010\u2011\u2013]"
"""What people and models put between digits, hard blanks and hyphens included."""
BLANK = r"[ \u00a0\u2009\u202f]?"
DASH = r"[\-\u2010\u2011\u2013]"
EDGE_BEFORE = r"(?:(?<![0-9A-Za-z_/])(?<![0-9A-Za-z_]-)(?<![0-9]\.)|(?<=\\[nrt]))"
"""Not within a name, a UUID, a path or a decimal; but after a line end that is escaped, as in JSON."""
EDGE_AFTER = r"(?![0-9A-Za-z_])(?!-[0-9A-Za-z])(?!\.[0-9])"
NUMBER_AFTER = r"(?:[0-9]|<(?:PHONE|CARD|IBAN|NATIONAL_ID|IP)_[0-9])"
"""A row of numbers goes on, or did before one of them was replaced."""

_separators = re.compile(r"[^0-9A-Za-z]")
_dropped = {place: None for place in range(128) if not chr(place).isalnum()}
"""The same of ASCII; `translate` is quicker."""


@dataclass(frozen=True, slots=True)
class Detector:
    """One shape of one kind, and what it takes to believe it."""

    kind: str
    name: str
    source: str
    """Where the shape and the check digits are laid down."""
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None = None
    """Judges the value without its separators."""
    needs: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    shortest: int = 6
    """Its digits, with what is between them, are at least so many characters."""
    lettered: bool = False
    """It has letters between its digits, so a run of digits is not where it is looked for."""
    trim: Callable[[str, int, int], int] | None = None
    """The end of the value within what matched, or -1: for shapes that have several lengths."""

    def judge(self, text: str, start: int, end: int) -> Span | None:
        """What matched as a span, if it stands the test."""
        if self.trim is not None:
            end = self.trim(text, start, end)
            if end < 0:
                return None
        value = compact(text[start:end])
        if self.kind == "PHONE":
            value = value.removeprefix("00")
        if self.check is not None and not self.check(value):
            return None
        return Span(start, end, self.kind, value, self.needs, self.unless)


def compact(text: str) -> str:
    """Letters and digits alone, in capitals."""
    if text.isascii():
        return text.translate(_dropped).upper()
    return _separators.sub("", text).upper()


def shape(pattern: str) -> re.Pattern[str]:
    """A pattern between edges."""
    return re.compile(f"{EDGE_BEFORE}(?:{pattern}){EDGE_AFTER}")


def words(alternatives: str) -> re.Pattern[str]:
    """Any of these as whole words, in capitals or not; `_` and a written line end part words."""
    return re.compile(rf"(?i)(?:(?<![a-z])|(?<=\\[nrt]))(?:{alternatives})(?![a-z])")
