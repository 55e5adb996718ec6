"""Take an operator's own regular expression, if it can neither run away nor hide everything. Pure.

A match has at most MOST_WIDTH characters and is decided in at most MOST_WAYS ways, so the time for a text
grows with its length and no faster. What cannot be shown to keep to that is refused, in a sentence.
"""

from __future__ import annotations

import re
from re import _parser as parser  # type: ignore[attr-defined]

from usage.transcripts.detectors import KINDS
from usage.transcripts.pattern_ways import FAR_TOO_MANY, Refused, ways
from usage.transcripts.placeholders import LITERAL, NAME
from usage.transcripts.spans import SECRET, Span

LONGEST_PATTERN = 500
MOST_WIDTH = 200
MOST_WAYS = 64

_RESERVED = (*KINDS, SECRET, LITERAL, "PERSON", "PLACE")


class UnsafePattern(ValueError):
    """The pattern is refused; the message is a sentence for the operator."""


class SafePattern:
    """A checked pattern, and what it hides things as: `<NAME_1>`."""

    def __init__(self, name: str, text: str) -> None:
        if not re.fullmatch(NAME, name) or name in _RESERVED:
            raise UnsafePattern(
                f"{name!r} cannot be the name of a pattern. A name has capitals, digits and _, "
                "as EMPLOYEE has, and is none of the built-in kinds."
            )
        self.name = name
        self.width = check(name, text)
        self.pattern = re.compile(text)

    def find(self, text: str, low: int, high: int, found: list[Span]) -> None:
        """Add every place where it matches and that begins from `low` to before `high`."""
        match = self.pattern.search(text, low)
        while match is not None and match.start() < high:
            found.append(Span(*match.span(), self.name))
            match = self.pattern.search(text, match.start() + 1)


def check(name: str, text: str) -> int:
    """The most characters that the pattern matches; UnsafePattern if it is refused."""
    this = f"The pattern {name} "
    if len(text) > LONGEST_PATTERN:
        raise UnsafePattern(
            f"{this}has {len(text)} characters. At most {LONGEST_PATTERN} are allowed."
        )
    try:
        re.compile(text)
        tree = parser.parse(text)
        count = ways(list(tree))
    except (re.error, OverflowError, RecursionError) as error:
        raise UnsafePattern(f"{this}is no regular expression: {error}.") from None
    except Refused as refused:
        raise UnsafePattern(f"{this}{refused}.") from None
    least, most = map(int, tree.getwidth())
    if least < 2:
        raise UnsafePattern(f"{this}can match {least} characters. It must match at least 2.")
    if most > MOST_WIDTH:
        raise UnsafePattern(f"{this}can match {most} characters. At most {MOST_WIDTH} are allowed.")
    if count > MOST_WAYS:
        many = "a million" if count >= FAR_TOO_MANY else str(count)
        raise UnsafePattern(
            f"{this}can match at one place in {many} ways or more, which can take very long. Let a "
            "repeat be followed by a character that it does not match itself, and repeat no repeats."
        )
    return most
