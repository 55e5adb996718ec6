"""Count, from above, in how many ways a regular expression can match at one place. Pure.

Time goes where a matcher may try again: a repeat whose next character could also be its own, repeats
within such repeats, alternatives that begin alike. Where neither is the case there is one way.
"""

from __future__ import annotations

import re
from re import _constants as sre  # type: ignore[attr-defined]
from typing import Any

FAR_TOO_MANY = 10**6
REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT)
_SAMPLE = frozenset(map(chr, range(0x250))) | frozenset("Ωжяא٣中あ가\u2009\u200b\u2028😀")
"""Characters that stand for all: every class of `re` has some and lacks some."""
_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
_REFUSED = {
    # Such a one may fail by what stands behind a text, where it would match in the text alone.
    sre.POSSESSIVE_REPEAT: "has a repeat that gives nothing back; leave out the + behind it",
    sre.ATOMIC_GROUP: "has a group that gives nothing back; write (?: instead of (?>",
    sre.GROUPREF: "repeats what a group matched; write it out instead",
    sre.GROUPREF_EXISTS: "depends on whether a group matched; write two patterns",
    sre.ASSERT: "looks ahead or behind; use \\b for the edge of a word",
    sre.ASSERT_NOT: "looks ahead or behind; use \\b for the edge of a word",
}
Marks = frozenset[str]
Nodes = list[tuple[Any, Any]]
NOTHING: Marks = frozenset()


class Refused(Exception):
    """The pattern has something that is not taken; the message ends a sentence about it."""


def ways(nodes: Nodes, follow: Marks = NOTHING) -> int:
    """Ways to match a sequence that is followed by one of these characters; NOTHING: by the end."""
    total = 1
    for node in reversed(nodes):
        total = min(total * _ways_of(node, follow), FAR_TOO_MANY)
        first, may_be_empty = _first_of(node)
        follow = first | follow if may_be_empty else first
    return total


def breadth(nodes: Nodes, repeated: bool = False) -> int:
    """How many alternatives stand within repeats, where each repetition tries them anew."""
    total = 0
    for kind, value in nodes:
        if kind in REPEATS:
            total += breadth(list(value[2]), repeated or int(value[1]) > 1)
        elif kind is sre.BRANCH:
            total += sum(breadth(list(branch), repeated) + repeated for branch in value[1])
        elif kind is sre.SUBPATTERN:
            total += breadth(list(value[3]), repeated)
    return total


def _ways_of(node: tuple[Any, Any], follow: Marks) -> int:
    kind, value = node
    if kind in _REFUSED:
        raise Refused(_REFUSED[kind])
    if kind in REPEATS:
        return _ways_of_repeat(value, follow)
    if kind is sre.BRANCH:
        return _ways_of_branches([list(branch) for branch in value[1]], follow)
    if kind is sre.SUBPATTERN:
        return ways(list(value[3]), follow)
    if kind is sre.AT and value not in (sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY):
        raise Refused(
            "holds to the beginning or the end of the text; use \\b for the edge of a word"
        )
    return 1


def _ways_of_repeat(value: tuple[int, int, Any], follow: Marks) -> int:
    least, most, body = int(value[0]), int(value[1]), value[2]
    if most >= int(sre.MAXREPEAT):
        raise Refused(
            "has no upper bound: in place of * or +, write how many at most, as in {1,20}"
        )
    first, may_be_empty = _first(list(body))
    if may_be_empty and most > 1:
        raise Refused("repeats what can be empty")
    inner = ways(list(body), first | follow if most > 1 else follow)
    outer = 1 if least == most or not first & follow else most - least + 1
    return outer * min(int(inner ** min(most, 20)), FAR_TOO_MANY)


def _ways_of_branches(branches: list[Nodes], follow: Marks) -> int:
    counts = [ways(branch, follow) for branch in branches]
    seen: set[str] = set()
    for branch in branches:
        first, may_be_empty = _first(branch)
        marks = first | follow if may_be_empty else first
        if seen & marks:
            return sum(counts)
        seen |= marks
    return max(counts)


def _first(nodes: Nodes) -> tuple[Marks, bool]:
    """What a match of a sequence may begin with, and whether it may be empty."""
    marks = NOTHING
    for node in nodes:
        first, may_be_empty = _first_of(node)
        marks |= first
        if not may_be_empty:
            return marks, False
    return marks, True


def _first_of(node: tuple[Any, Any]) -> tuple[Marks, bool]:
    kind, value = node
    if kind in REPEATS:
        first, may_be_empty = _first(list(value[2]))
        return first, may_be_empty or value[0] == 0
    if kind is sre.BRANCH:
        parts = [_first(list(branch)) for branch in value[1]]
        return frozenset().union(*(marks for marks, _ in parts)), any(empty for _, empty in parts)
    if kind is sre.SUBPATTERN:
        return _first(list(value[3]))
    if kind is sre.AT:
        return (
            _SAMPLE,
            True,
        )  # it may fail whatever comes, and then the repeat before it is tried again
    return _both_cases(_marks(kind, value)), False


def _marks(kind: Any, value: Any) -> Marks:
    """The characters of one atom, as far as the sample goes; a literal always."""
    if kind is sre.LITERAL:
        return frozenset(chr(value))
    if kind is sre.RANGE:
        low, high = value
        ends = {chr(low), chr(high)}
        return frozenset(mark for mark in _SAMPLE if low <= ord(mark) <= high) | ends
    if kind is sre.CATEGORY:
        category = re.compile(_CATEGORIES[value])
        return frozenset(mark for mark in _SAMPLE if category.match(mark))
    if kind is sre.NOT_LITERAL:
        return _SAMPLE - {chr(value)}
    if kind is sre.IN and value[0][0] is sre.NEGATE:
        return _SAMPLE - _marks(sre.IN, value[1:])
    if kind is sre.IN:
        return frozenset().union(*(_marks(*item) for item in value))
    return _SAMPLE


def _both_cases(marks: Marks) -> Marks:
    return marks | frozenset(form for mark in marks for form in (mark.lower(), mark.upper()))
