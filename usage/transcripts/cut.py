"""A body over the limit becomes one within it: the newest messages stay, and what it begins with. Pure.

Messages are left out of the middle; what is too long still has its longest texts cut. A text that is cut
goes on a little beyond its end, so that a secret there is seen whole before the rest is dropped. Where
something is missing a mark says how much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from providers.wire.json_text import OBJECT
from usage.transcripts.cut_marks import GAP_BYTES, LONGEST_MARK, MOST_GAPS, REST, gap, mark

LEAST_TEXT = 64
"""Texts are cut no shorter: the words of the protocol are no longer than that."""
PROTOCOL = frozenset(("id", "type", "role", "model", "object", "name", "finish_reason"))
"""Members that come whole in a stream, so that they are not cut where it was."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_array: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_escape = re.compile(r"\\+u([0-9a-fA-F]{4})")
_user = re.compile(rb'"role"\s*:\s*"user"')


class Beginning(str):
    """A text of which only `keep` characters are to be kept; the rest tells what stands at its end.

    `mark` is to stand in its place.
    """

    __slots__ = ("keep", "mark")
    keep: int
    mark: str

    @classmethod
    def of(cls, text: str, keep: int, margin: int) -> Beginning:
        """With room for the mark. JSON that is cut no longer opens, so its escapes are read here."""
        if text[:1] in ("{", "["):
            text = _read_escapes(text[: (keep + margin) * 8])
        keep = max(0, keep - LONGEST_MARK)
        made = cls(text[: keep + margin])
        made.keep = keep
        made.mark = REST
        return made


class Short(NamedTuple):
    """What is kept, and how many bytes are left out."""

    value: Any
    left_out: int


class _TooFine(Exception):
    """There is too much beside the texts."""


def shorten(content: bytes, limit: int, margin: int, unfinished: bool = False) -> Short:
    """A body over the limit as a JSON value within it; `{"text": …}` of what is no object.

    `margin` is how far a secret must be seen to be told; an unfinished answer has no more to see.
    """
    try:
        members = OBJECT.decode(content)
        return _shorten(members, _Cutter(margin, unfinished), limit)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, _TooFine):
        return _as_text(content, limit, margin, unfinished)


def _shorten(members: dict[str, msgspec.Raw], cutter: _Cutter, limit: int) -> Short:
    raw = members.get("messages")
    if raw is None or memoryview(raw)[0] != ord("["):
        return Short(cutter.cut(_opened(members), limit), cutter.left_out)
    messages = _array.decode(raw)
    rest = _opened({name: each for name, each in members.items() if name != "messages"})
    size = len(_encode(rest))
    most = max(limit // 2, limit - len(raw))
    rest = cutter.cut(rest, most)
    room = limit - min(size, most)
    if sum(len(each) for each in messages) > room:
        room = max(room // 2, room - min(MOST_GAPS, len(messages) - 1) * GAP_BYTES)
    kept = _ends(messages, room)
    left_out = sum(len(each) for at, each in enumerate(messages) if at not in kept)
    opened = cutter.cut([_decode(messages[at]) for at in sorted(kept)], room)
    opened = list(_with_gaps(dict(zip(sorted(kept), opened, strict=True)), messages))
    value = {name: opened if name == "messages" else rest[name] for name in members}
    return Short(value, left_out + cutter.left_out)


def _with_gaps(kept: dict[int, Any], messages: list[msgspec.Raw]) -> Iterator[Any]:
    """The messages that are kept, by their places, and one that says so where others are missing."""
    for is_kept, run in groupby(range(len(messages)), key=kept.__contains__):
        if is_kept:
            yield from (kept[at] for at in run)
        else:
            sizes = [len(messages[at]) for at in run]
            yield gap(len(sizes), sum(sizes))


def _opened(members: dict[str, msgspec.Raw]) -> dict[str, Any]:
    return {name: _decode(each) for name, each in members.items()}


def _ends(messages: list[msgspec.Raw], room: int) -> set[int]:
    """The newest messages, with the last one of a user among them, and the first ones."""
    if not messages:
        return set()
    newest = len(messages) - 1
    asked = (at for at in range(newest, -1, -1) if _is_asked(messages[at]))
    kept = {newest, next(asked, newest)}
    room -= sum(len(messages[at]) for at in kept)
    first = room // 4
    for at, each in enumerate(messages):
        if len(each) > first:
            break
        if at not in kept:
            first, room = first - len(each), room - len(each)
            kept.add(at)
    for at in range(newest, -1, -1):
        if at not in kept:
            room -= len(messages[at])
            if room < 0:
                break
            kept.add(at)
    return kept


def _is_asked(message: msgspec.Raw) -> bool:
    """Whether a user says something in it, by its looks."""
    raw = memoryview(message)
    return _user.search(raw) is not None and re.search(rb'"tool_result"', raw) is None


class _Cutter:
    """Cuts the longest texts of values; none but those are touched."""

    def __init__(self, margin: int, unfinished: bool) -> None:
        self._margin = margin
        self._unfinished = unfinished
        self.left_out = 0

    def cut(self, value: Any, room: int) -> Any:
        """The value with so many bytes at most. Raises _TooFine, RecursionError."""
        sizes: list[int] = []
        _measure(value, sizes)
        over = len(_encode(value)) - room
        if over <= 0 and not self._unfinished:
            return value
        most = _most(sizes, sum(sizes) - max(0, over))
        return self._walk(value, most, "")

    def _walk(self, value: Any, most: float, name: str) -> Any:
        if isinstance(value, str):
            return self._text(value, most, name)
        if isinstance(value, dict):
            return {each: self._walk(inner, most, each) for each, inner in value.items()}
        if isinstance(value, list):
            return [self._walk(inner, most, name) for inner in value]
        return value

    def _text(self, text: str, most: float, name: str) -> str:
        size = _size(text)
        keep = int(most * len(text) / size) if size > most else len(text)
        if self._unfinished and name not in PROTOCOL:
            keep = min(keep, len(text) - self._margin)
        if keep >= len(text):
            return text
        made = Beginning.of(text, keep, self._margin)
        left_out = size - size * made.keep // len(text)
        if not self._unfinished:
            made.mark = mark(left_out)
        self.left_out += left_out
        return made


def _size(text: str) -> int:
    """Bytes that a text takes in JSON."""
    return len(_encode(text)) - 2


def _measure(value: Any, sizes: list[int]) -> None:
    if isinstance(value, str):
        sizes.append(_size(value))
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _measure(inner, sizes)


def _most(sizes: list[int], room: int) -> float:
    """How long the longest texts may be, so that all together have room. Raises _TooFine."""
    sizes = sorted(sizes)
    for number, size in enumerate(sizes):
        share = room / (len(sizes) - number)
        if size > share:
            if share < LEAST_TEXT:
                raise _TooFine
            return share
        room -= size
    return float(sizes[-1]) if sizes else 0.0


def _as_text(content: bytes, limit: int, margin: int, unfinished: bool) -> Short:
    """Its beginning. Escapes are read, or an address that is written with one would not be found."""
    text = _read_escapes(content[: limit + 8 * margin].decode("utf-8", "replace"))
    keep = min(len(text), len(_read_escapes(content[:limit].decode("utf-8", "replace"))))
    if unfinished:
        keep = min(keep, len(text) - margin)
    beginning = Beginning.of(text, keep, margin)
    left_out = max(0, len(content) - len(text[: beginning.keep].encode()))
    if not unfinished:
        beginning.mark = mark(left_out)
    return Short({"text": beginning}, left_out)


def _read_escapes(text: str) -> str:
    """The characters that JSON escapes by number, but for those that must stay escaped."""
    return _escape.sub(_character, text) if "\\u" in text else text


def _character(match: re.Match[str]) -> str:
    mark = chr(int(match[1], 16))
    return mark if mark.isprintable() and mark not in '"\\' else match[0]
