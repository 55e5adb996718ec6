"""Take an operator's own regular expression, if it can neither run away nor hide everything. Pure.

A match has at most MOST_WIDTH characters and is decided in at most MOST_WAYS ways; at each place of a text
at most about MOST_WORK characters are compared. So the time for a text grows with its length and no faster.
What cannot be shown to keep to that is refused, in a sentence.
"""

from __future__ import annotations

import re
from functools import lru_cache
from re import _parser as parser  # type: ignore[attr-defined]

from usage.transcripts.detectors import KINDS
from usage.transcripts.pattern_ways import FAR_TOO_MANY, Refused, breadth, ways
from usage.transcripts.placeholders import LITERAL, NAME
from usage.transcripts.spans import SECRET, Span

LONGEST_PATTERN = 500
MOST_WIDTH = 200
MOST_WAYS = 64
MOST_WORK = 4000
AT_ONCE = 1000
"""Characters of a text that are searched in one go: nothing else of the process runs meanwhile."""

_RESERVED = (*KINDS, SECRET, LITERAL, "PEOPLE", "PERSON", "PLACE", "ALL", "NONE")


class UnsafePattern(ValueError):
    """The pattern is refused; the message is a sentence for the operator."""


class SafePattern:
    """A checked pattern, and what it hides things as: `<NAME_1>`."""

    def __init__(self, name: str, text: str) -> None:
        check_name(name)
        self.name = name
        self.width = check(name, text)
        self.pattern = re.compile(text)

    def find(self, text: str, low: int, high: int, found: list[Span]) -> None:
        """Add every place where it matches and that begins from `low` to before `high`."""
        while low < high:
            until = min(low + AT_ONCE, high)
            # What begins before `until` is seen whole, and one character more for the edge of a word.
            match = self.pattern.search(text, low, until + self.width + 1)
            if match is None or match.start() >= until:
                low = until
            else:
                found.append(Span(*match.span(), self.name))
                low = match.start() + 1


@lru_cache(maxsize=512)
def safe_pattern(name: str, text: str) -> SafePattern:
    """The same as before where it was made before: a proof takes milliseconds."""
    return SafePattern(name, text)


def check_name(name: str) -> None:
    """UnsafePattern if nothing of the operator's own can be called so."""
    if name in _RESERVED:
        raise UnsafePattern(
            f"{name} is the name of something built in. Choose another one, as in EMPLOYEE_ID."
        )
    if not re.fullmatch(NAME, name):
        raise UnsafePattern(
            f"{name!r} cannot be the name of a pattern. A name begins with a capital and has capitals, "
            "digits and _, at most 30, as in EMPLOYEE_ID."
        )


def check(name: str, text: str) -> int:
    """The most characters that the pattern matches; UnsafePattern if it is refused."""
    this = f"The pattern {name} " if name else "The pattern "
    if len(text) > LONGEST_PATTERN:
        raise UnsafePattern(
            f"{this}has {len(text)} characters. At most {LONGEST_PATTERN} are allowed."
        )
    if not text.isprintable():
        raise UnsafePattern(
            f"{this}has a character that cannot be seen. Write it as in \\n, \\t or \\u00a0."
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
        raise UnsafePattern(f"{this}can match {_characters(least)}. It must match at least 2.")
    if most > MOST_WIDTH:
        raise UnsafePattern(f"{this}can match {most} characters. At most {MOST_WIDTH} are allowed.")
    if count > MOST_WAYS:
        many = "a million" if count >= FAR_TOO_MANY else str(count)
        raise UnsafePattern(
            f"{this}can match at one place in {many} ways or more, which can take very long. Let a "
            "repeat be followed by a character that it does not match itself, and repeat no repeats."
        )
    _check_work(this, most * count * max(1, breadth(list(tree))))
    return most


def _characters(count: int) -> str:
    return f"{count} character{'' if count == 1 else 's'}"


def _check_work(this: str, work: int) -> None:
    if work > MOST_WORK:
        raise UnsafePattern(
            f"{this}can compare {work} characters at one place of a text, which can take long. At most "
            f"{MOST_WORK} are allowed: make its repeats shorter, or make two patterns of it."
        )
