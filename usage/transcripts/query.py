"""What a person types to search: words, and phrases in quotes. Pure.

There are no operators: whatever is typed is looked for. Words that stand together without a blank
(`gpt-4o`, an address) are a phrase, too, and so is a text in a script without blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from usage.transcripts.index_words import Place, indexed, places_of, words_of
from usage.transcripts.plain import shown

MOST_WORDS = 32
BEFORE, AFTER = 60, 180
"""Letters of a text that are shown about what was found."""
NEAR, OVERLAP = 2000, 500

_piece = re.compile(r'["“”„«»]([^"“”„«»]*)["“”„«»]|([^\s"“”„«»]+)')


class Query(NamedTuple):
    """All of the phrases are looked for; a single word is a phrase of one."""

    phrases: tuple[tuple[str, ...], ...] = ()

    @property
    def words(self) -> list[str]:
        """Each once, as an index knows it."""
        return sorted(indexed(word for phrase in self.phrases for word in phrase))

    @property
    def has_phrases(self) -> bool:
        """Whether words must stand side by side, which no index knows."""
        return any(len(phrase) > 1 for phrase in self.phrases)

    def stands_in(self, texts: Sequence[str]) -> bool:
        """Whether each phrase stands in one of the texts."""
        joined = [_joined(text) for text in texts]
        return all(any(_spaced(phrase) in words for words in joined) for phrase in self.phrases)

    def found_in(self, text: str) -> bool:
        """Whether any of the phrases stands there."""
        words = _joined(text)
        return any(_spaced(phrase) in words for phrase in self.phrases)


class Piece(NamedTuple):
    """A piece of a text that is shown; `found` is what was looked for."""

    text: str
    found: bool


def _joined(text: str) -> str:
    return _spaced(words_of(text))


def _spaced(words: Sequence[str]) -> str:
    """So that no word is taken for a part of another."""
    return f" {' '.join(words)} "


def read_query(typed: str) -> Query:
    """What is looked for; of very much, the beginning."""
    phrases: list[tuple[str, ...]] = []
    left = MOST_WORDS
    for quoted, bare in _piece.findall(typed):
        words = tuple(words_of(quoted or bare)[:left])
        left -= len(words)
        if words and words not in phrases:
            phrases.append(words)
    return Query(tuple(phrases))


def snippet(query: Query, text: str) -> list[Piece]:
    """The part of a text where something was found first, or its beginning."""
    start = _near(query, text)
    part = text[start : start + NEAR + OVERLAP]
    places = list(places_of(part))
    marks = _marks(query, places)
    first = marks[0][0] if marks else 0
    begin, end = _at_words(max(0, first - BEFORE), first + AFTER, places, len(part))
    pieces, at = [Piece("…" if start + begin else "", False)], begin
    for left, right in marks:
        if at <= left and right <= end:
            pieces += [Piece(part[at:left], False), Piece(part[left:right], True)]
            at = right
    pieces += [Piece(part[at:end], False), Piece("…" if start + end < len(text) else "", False)]
    return harmless(piece for piece in pieces if piece.text)


def harmless(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces without characters that turn what is seen around, or are not seen."""
    return [Piece(shown(piece.text), piece.found) for piece in pieces]


def _near(query: Query, text: str) -> int:
    """Where to look closely: that is slow, and texts may be long."""
    for start in range(0, len(text), NEAR):
        if query.found_in(text[start : start + NEAR + OVERLAP]):
            return start
    return 0


def _marks(query: Query, places: list[Place]) -> list[tuple[int, int]]:
    """Where phrases stand, in the order of the text."""
    firsts: dict[str, list[tuple[str, ...]]] = {}
    for phrase in query.phrases:
        firsts.setdefault(phrase[0], []).append(phrase)
    found = []
    for at, place in enumerate(places):
        for phrase in firsts.get(place.word, ()):
            stretch = list(islice(places, at, at + len(phrase)))
            if tuple(each.word for each in stretch) == phrase:
                found.append((place.begin, stretch[-1].end))
    return sorted(found)


def _at_words(begin: int, end: int, places: list[Place], length: int) -> tuple[int, int]:
    """The same stretch without halves of words at its ends."""
    if begin:
        begin = next((place.begin for place in places if place.begin >= begin), begin)
    if end >= length:
        return begin, length
    return begin, next((place.end for place in reversed(places) if begin < place.end <= end), end)
