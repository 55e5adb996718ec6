"""The words that a text is found by, the same on every database. Pure.

Databases split texts each in its own way; here they are split once, and a database gets words. A word is
letters and digits, in small letters, without accents. Scripts that put no spaces between words
give a word for each character, so that any part of a sentence is found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

LONGEST_WORD = 64
"""Letters by which an index knows a word; longer ones are hashes and data."""
AT_ONCE = 512
"""Letters that are split at once: where all are ASCII it is ten times as fast."""
TYPOGRAPHY = "\u00a0‘’“”–—…•→"
"""What stands in many a text that is ASCII otherwise."""

_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_word = re.compile(f"[{_SPACELESS}]|[^\\W_{_SPACELESS}]+")
_said_word = re.compile(
    f"[{_SPACELESS}]|[^\\W_{_SPACELESS}](?:[^\\W_{_SPACELESS}]|[\u0300-\u036f])*"
)
_accent = re.compile("[\u0300-\u036f]+")
_blank = bytes(byte if byte < 128 and chr(byte).isalnum() else ord(" ") for byte in range(256))


class Place(NamedTuple):
    """A word and where it stands in its text."""

    word: str
    begin: int
    end: int


def words_of(text: str) -> list[str]:
    """The words of a text in their order."""
    if not text.isascii():
        for mark in TYPOGRAPHY:
            text = text.replace(mark, " ")
    pieces = (text,) if text.isascii() else _pieces(text)
    return list(chain.from_iterable(map(_words_of_piece, pieces)))


def indexed(words: Iterable[str]) -> set[str]:
    """What an index knows of words."""
    return {word[:LONGEST_WORD] for word in set(words)}


def places_of(text: str) -> Iterator[Place]:
    """The same words, with their places."""
    for match in _said_word.finditer(text):
        for word in words_of(match[0]):
            yield Place(word, match.start(), match.end())


def _words_of_piece(text: str) -> list[str]:
    if text.isascii():
        return text.lower().encode().translate(_blank).decode().split()
    return _word.findall(_accent.sub("", unicodedata.normalize("NFKD", text)).casefold())


def _pieces(text: str) -> Iterator[str]:
    """A long text in parts that end at a blank, if there is one."""
    begin = 0
    while len(text) - begin > AT_ONCE:
        end = text.rfind(" ", begin, begin + AT_ONCE) + 1 or begin + AT_ONCE
        yield text[begin:end]
        begin = end
    yield text[begin:]
