"""The texts of a transcript that it is found by: what people and models said, without the protocol's words.

Pure, but for `Heard`, which remembers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import msgspec

from usage.transcripts.said import said
from usage.transcripts.stored import Line
from usage.transcripts.turns import Part, Turn
from usage.transcripts.where import texts

MOST_LETTERS = 200_000
"""Of one transcript that are looked through for words."""
MOST_HEARD = 50_000
PROTOCOL = frozenset(("role", "type", "model", "id", "tool_call_id", "tool_use_id"))
"""Members whose values are nobody's words, where only the beginning of a body is there."""

_string = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)(?:"(\s*:)?|$)')


class Text(NamedTuple):
    """A text, whose it is (user, assistant, tool, …) and of what kind of Part."""

    role: str
    text: str
    kind: str


class Heard:
    """Which turns of a conversation a transcript before it was found by already.

    A client sends the whole conversation with each request; without this an index would hold the
    first sentence of a conversation as often as it has turns. What is forgotten, or was heard by
    another worker, is only indexed once more.
    """

    def __init__(self, most: int = MOST_HEARD) -> None:
        self._most = most
        self._seen: dict[int, None] = {}

    def copy(self) -> Heard:
        """The same memory, to be thrown away where what is heard next comes to nothing."""
        copied = Heard(self._most)
        copied._seen = dict(self._seen)
        return copied

    def fresh(self, line: Line) -> list[Text]:
        """The answer, what was asked since the one before it, and what of the rest was not heard yet."""
        head = line.head
        answered, asked, before = _turns(line)
        who = (head.client_key, head.session, head.end_user)
        rest = [turn for turn in reversed(before) if not self._heard(who, turn)]
        for turn in chain(answered, asked):
            self._heard(who, turn)
        return list(_texts(chain(answered, asked, rest)))

    def _heard(self, who: tuple[str, ...], turn: Turn) -> bool:
        mark = hash((who, turn.role, *(part.text for part in turn.parts)))
        known = mark in self._seen
        self._seen.pop(mark, None)  # the newest are last
        self._seen[mark] = None
        if len(self._seen) > self._most:
            del self._seen[next(iter(self._seen))]
        return known


def spoken(line: Line) -> list[Text]:
    """All that was said in a transcript, the newest first."""
    answered, asked, before = _turns(line)
    return list(_texts(chain(answered, asked, reversed(before))))


def _turns(line: Line) -> tuple[list[Turn], list[Turn], list[Turn]]:
    """(the answer, what was asked since the answer before it, what was said before that).

    Of a request that was no JSON to its end only the beginning is there, which is the oldest.
    """
    found = said(line)
    at = len(found.asked)
    if line.head.truncated.get("request") and found.asked and found.asked[0].role == "request":
        return found.answered, [], found.asked
    while at and found.asked[at - 1].role != "assistant":
        at -= 1
    return found.answered, found.asked[at:], found.asked[:at]


def _texts(turns: Iterator[Turn]) -> Iterator[Text]:
    left = MOST_LETTERS
    for turn in turns:
        for part in turn.parts:
            for text in _of_part(part, turn.role):
                if text and left > 0:
                    yield Text(turn.role, text[:left], part.kind)
                    left -= len(text)


def _of_part(part: Part, role: str) -> Iterator[str]:
    if part.kind == "media":  # a size and a type
        return
    if part.kind == "other" or role in ("request", "response"):
        yield from _values(part.text)
        return
    if part.kind == "call":
        yield part.name
    yield part.text


def _values(text: str) -> Iterator[str]:
    """The strings of JSON, of which only the beginning may be there, without the names of members."""
    try:
        yield from texts(msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError):
        yield from _strings(text)


def _strings(text: str) -> Iterator[str]:
    name = ""
    for match in _string.finditer(text):
        if match[2]:
            name = match[1]
        elif name not in PROTOCOL:
            yield _unescaped(match[1])


def _unescaped(text: str) -> str:
    try:
        return str(msgspec.json.decode(f'"{text}"'))
    except msgspec.DecodeError:
        return text
