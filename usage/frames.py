"""The form of a journal entry on disk: framed by length and checksum, so that damage shows.

    u32 length of the rest · u32 CRC-32 of it · u8 kind · 16 bytes exchange id · Record as msgpack

It reads and writes bytes; it opens no files.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

BEGIN, ATTEMPT, CHECKPOINT, END, COUNTED = 1, 2, 3, 4, 5
"""COUNTED is an END of which only the sums are kept."""

PREFIX = struct.Struct("<II")
LEAST_BODY = 18
"""Kind, id and at least one byte of Record."""
MOST_BODY = 2**18


class Frame(NamedTuple):
    """One entry. `record` is still encoded; `end` is where it ends in what was split."""

    kind: int
    exchange_id: bytes
    record: bytes
    end: int


class Damage(NamedTuple):
    """Bytes between good frames that are no frame."""

    start: int
    end: int


class Split(NamedTuple):
    """What a piece of a journal holds; `used` bytes of it need not be read again."""

    frames: list[Frame]
    used: int
    damage: list[Damage]


def split(data: bytes, last: bool = False) -> Split:
    """Take frames from the start of `data`; the rest after `used` is no whole frame (yet).

    `last` says that nothing will ever follow, so that what is not whole now never will be.
    """
    frames: list[Frame] = []
    damage: list[Damage] = []
    at = 0
    while True:
        at = _take(data, at, frames)
        after = _next_good(data, at + 1) if last or _is_damaged(data, at) else None
        if after is None:
            return Split(frames, at, damage)
        damage.append(Damage(at, after))
        at = after


def _take(data: bytes, at: int, frames: list[Frame]) -> int:
    """Add the run of good frames that begins at `at`; returns where it ends."""
    view = memoryview(data)
    size = len(data)
    unpack, checksum = PREFIX.unpack_from, zlib.crc32
    while at + PREFIX.size <= size:
        length, expected = unpack(data, at)
        start = at + PREFIX.size
        end = start + length
        if not LEAST_BODY <= length <= MOST_BODY or end > size:
            break
        if checksum(view[start:end]) != expected:
            break
        frames.append(Frame(data[start], data[start + 1 : start + 17], data[start + 17 : end], end))
        at = end
    return at


def _is_damaged(data: bytes, at: int) -> bool:
    """Whether what stands here can never become a frame, however much is appended."""
    if at + PREFIX.size > len(data):
        return False
    length: int
    length, expected = PREFIX.unpack_from(data, at)
    if not LEAST_BODY <= length <= MOST_BODY:
        return True
    start = at + PREFIX.size
    whole = start + length <= len(data)
    return whole and zlib.crc32(data[start : start + length]) != int(expected)


def _next_good(data: bytes, at: int) -> int | None:
    """Where the next good frame begins."""
    view = memoryview(data)
    last = len(data) - PREFIX.size - LEAST_BODY
    while at <= last:
        length, expected = PREFIX.unpack_from(data, at)
        start = at + PREFIX.size
        if (
            LEAST_BODY <= length <= len(data) - start
            and BEGIN <= data[start] <= COUNTED
            and zlib.crc32(view[start : start + length]) == expected
        ):
            return at
        at += 1
    return None
