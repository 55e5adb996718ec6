"""Which of many strings hold something to hide: one search says it of all of them, and of most that none do.

Names of members and other short strings come again with every exchange, so those that hold nothing are
remembered, and are not searched again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from itertools import accumulate, islice

import msgspec

from providers.wire.octets import BACKSLASH
from usage.transcripts.secret_names import secret_names
from usage.transcripts.spans import BETWEEN, Span

LONGEST_REMEMBERED = 32
"""Bytes of a string, as JSON writes it."""
MOST_REMEMBERED = 4000

_BETWEEN, _ESCAPED_BETWEEN = BETWEEN.encode(), rb"\n\u0000\n"
_string = msgspec.json.Decoder(str).decode

Find = Callable[[str], Collection[Span]]


class Harmless:
    """`find` must find in a text of several strings what it finds in each of them, wherever it stands."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._memory: tuple[int, set[bytes]] = 0, set()

    def judge(self, exchanges: Sequence[set[bytes] | None], knowledge: int) -> list[bool]:
        """Whether none of an exchange's strings holds anything. `knowledge` differs when `find` has come to
        know more than before: what was remembered is then forgotten."""
        remembered = self._remembered(knowledge)
        new = [None if strings is None else strings - remembered for strings in exchanges]
        strings = [*set[bytes]().union(*(each for each in new if each))]
        held = self._holding(strings) if strings else set()
        short = (each for each in strings if len(each) <= LONGEST_REMEMBERED and each not in held)
        remembered.update(islice(short, max(0, MOST_REMEMBERED - len(remembered))))
        return [each is not None and held.isdisjoint(each) for each in new]

    def _remembered(self, knowledge: int) -> set[bytes]:
        """Whoever has it adds to this one, even if another has taken its place meanwhile."""
        known, remembered = self._memory
        if known != knowledge or len(remembered) >= MOST_REMEMBERED:
            remembered = set()
            self._memory = knowledge, remembered
        return remembered

    def _holding(self, strings: list[bytes]) -> set[bytes]:
        """Those that hold something, are the name of a secret, or cannot be read."""
        strings, texts, odd = _read(strings)
        named, found = secret_names(texts), self._find(BETWEEN.join(texts))
        numbers = {number for number, text in enumerate(texts) if text in named} if named else set()
        ends = [*accumulate(len(text) + len(BETWEEN) for text in texts)] if found else []
        for span in found:
            first, last = bisect_right(ends, span.start), bisect_right(ends, span.end - 1)
            numbers.update(range(first, last + 1))
        held = {strings[number] for number in numbers}
        return held.union(each for each in odd if self._may_hold(each))

    def _may_hold(self, string: bytes) -> bool:
        """The same of one."""
        text = _text(string)
        return text is None or bool(secret_names([text]) or self._find(text))


def _read(strings: list[bytes]) -> tuple[list[bytes], list[str], list[bytes]]:
    """Strings in some order, what they say, and those that cannot stand among others."""
    escaped = [each for each in strings if BACKSLASH in each]
    plain = [each for each in strings if BACKSLASH not in each] if escaped else strings
    # What stands between strings, if it stands in one, could be taken for its end.
    odd = [each for each in escaped if each.find(b"u0000") >= 0]
    if odd:
        escaped = [each for each in escaped if each.find(b"u0000") < 0]
    clear = plain + escaped
    try:
        texts = _BETWEEN.join(plain).decode().split(BETWEEN) if plain else []
        if escaped:
            texts += _string(b'"%b"' % _ESCAPED_BETWEEN.join(escaped)).split(BETWEEN)
    except (msgspec.DecodeError, UnicodeDecodeError):
        texts = []
    if len(texts) == len(clear):
        return clear, texts, odd
    read = {each: text for each in clear if (text := _text(each)) is not None and "\0" not in text}
    return [*read], [*read.values()], odd + [each for each in clear if each not in read]


def _text(string: bytes) -> str | None:
    """What it says; None if it cannot be read."""
    try:
        return _string(b'"%b"' % string)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
