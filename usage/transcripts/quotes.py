"""The pieces of a transcript that are found by their meaning. Pure, but for what was Heard.

A piece is told by its position among all of its transcript's, so that no text is kept twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from usage.transcripts.spoken import Heard, Text, spoken
from usage.transcripts.stored import Line

LONGEST = 1500
"""Letters of a piece, which most models take whole."""
MOST = 8
"""Pieces of one transcript: each is paid for."""
ROLES = ("user", "assistant")
KIND = "text"
"""What tools are asked and return, thoughts, and what systems are told is not what people and models say."""


class Quote(NamedTuple):
    """A piece. `nth` counts those of one text."""

    position: int
    nth: int
    role: str
    text: str


def fresh_quotes(line: Line, heard: Heard) -> list[Quote]:
    """What is new in a transcript: of each text the beginning, then what follows, up to MOST."""
    fresh = {text for text in heard.fresh(line) if _counts(text)}
    found = [quote for text, quote in _quotes(spoken(line)) if text in fresh]
    once = {(quote.role, quote.text): quote for quote in reversed(found)}
    return sorted(once.values(), key=lambda quote: (quote.nth, quote.position))[:MOST]


def quote_at(line: Line, position: int) -> Quote | None:
    """The piece at a position; None where the transcript does not have it."""
    return next((quote for _, quote in _quotes(spoken(line)) if quote.position == position), None)


def _quotes(texts: Iterable[Text]) -> Iterator[tuple[Text, Quote]]:
    position = 0
    for text in texts:
        if not _counts(text):
            continue
        for nth, piece in enumerate(_cut(text.text)):
            yield text, Quote(position, nth, text.role, piece)
            position += 1


def _counts(text: Text) -> bool:
    return text.role in ROLES and text.kind == KIND


def _cut(text: str) -> Iterator[str]:
    """Pieces that end at a blank, if there is one. What has no letter or digit says nothing."""
    begin = 0
    while begin < len(text):
        end = begin + LONGEST
        if end < len(text):
            end = max(text.rfind(" ", begin, end), text.rfind("\n", begin, end)) + 1 or end
        piece = text[begin:end].strip()
        begin = end
        if any(map(str.isalnum, piece)):
            yield piece
