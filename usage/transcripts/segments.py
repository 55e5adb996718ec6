"""The files that transcripts lie in: how they are named, and how one is compressed with an index.

A compressed segment is a row of gzip members of whole lines, so `zcat` reads it, and one member
of it can be read alone. The index beside it says in which member an exchange is.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from math import inf
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import msgspec

from usage.transcripts.new_file import new_like, settle

LIVE = "transcripts.log"
NAMES = (LIVE, "transcripts-")
"""How the names of our files begin. With a dot before them their locks do."""
COMPRESSED, INDEX, UNFINISHED = ".gz", ".idx", ".part"
STAMP = "%Y%m%dT%H%M%S.%fZ"
ENTRY = struct.Struct("<16sQII")
"""Exchange id, offset of its member, offset in the member, length without the line's end."""
MEMBER_BYTES = 256 * 2**10
MOST_LINE = 128 * 2**20
"""A longer line is none of ours: after a crash some file systems leave gigabytes of zeros."""
GZIP = 31
"""zlib's word for a gzip header and checksum."""
LEVEL = 6

_rotated = re.compile(r"transcripts-(\d{8}T\d{6}\.\d{6}Z)\.log")
_elsewhere = re.compile(r"transcripts\.log[.-](\d[\d-]*)")
"""As logrotate names them: `.1` is the newest of those with a number, `-20260701` says its day."""
MOST_DIGITS = 5
"""Of a number; what has more of them is a date or a moment."""
BY_HAND = (2,)
"""The age of a live file that somebody compressed: it comes after what logrotate has moved."""


class Segment(NamedTuple):
    """One file. What it holds was written between `begin` and `end`, in Unix seconds, as far as is known."""

    path: Path
    begin: float = -inf
    end: float = inf

    @property
    def compressed(self) -> bool:
        return self.path.name.endswith(COMPRESSED)

    def renamed(self) -> Segment | None:
        """Where the lines are now, if the file was compressed since it was listed.

        The live one never is: what has such a name is a copy that somebody made.
        """
        if self.compressed or self.path.name == LIVE:
            return None
        path = self.path.with_name(self.path.name + COMPRESSED)
        return self._replace(path=path) if path.exists() else None


class Entry(NamedTuple):
    """Where an index says that an exchange is."""

    exchange_id: bytes
    member: int
    offset: int
    length: int


def segments(directory: Path) -> list[Segment]:
    """The segments of a directory, as they were written; the live one is the last.

    Of when they were written it is known what their names say: the end. Where a crash left both
    a segment of ours and its compressed form, the compressed one is whole; others may hold different lines.
    """
    names = set(os.listdir(directory))
    foreign: list[tuple[tuple[int, ...], str]] = []
    dated: list[tuple[float, str]] = []
    for name in names:
        plain = name.removesuffix(COMPRESSED)
        moment = rotated_at(plain)
        if name == LIVE or (moment is not None and name == plain and name + COMPRESSED in names):
            continue
        if moment is not None:
            dated.append((moment, name))
        elif match := _elsewhere.fullmatch(plain):
            foreign.append((_age(match[1]), name))
        elif plain == LIVE:
            foreign.append((BY_HAND, name))
    ordered = [(inf, name) for _, name in sorted(foreign)] + sorted(dated)
    found = [Segment(directory / name, end=moment) for moment, name in ordered]
    return [*found, Segment(directory / LIVE)] if LIVE in names else found


def _age(number: str) -> tuple[int, ...]:
    """Sorts files by what logrotate has put after their name, the oldest first."""
    parts = [int(part) for part in number.split("-") if part]
    if len(parts) == 1 and len(number) <= MOST_DIGITS:
        return 1, -parts[0]
    return 0, *parts


def rotated_at(name: str) -> float | None:
    """When a segment of this name was rotated, in Unix seconds; None if it is no such name."""
    match = _rotated.fullmatch(name.removesuffix(COMPRESSED))
    try:
        return datetime.fromisoformat(match[1]).timestamp() if match else None
    except ValueError:  # digits that are no date
        return None


def index_path(path: Path) -> Path:
    """Where the index of a compressed segment lies; it goes when the segment goes."""
    return path.with_name(path.name + INDEX)


def compress_indexed(path: Path) -> Path:
    """Compress a rotated segment; returns its new path. Raises OSError, and then nothing is lost.

    The index gets its name first, then the compressed file, then the source goes: whatever a crash
    leaves can be done again, and what has a last name is whole.
    """
    finished = path.with_name(path.name + COMPRESSED)
    if not (finished.exists() and index_path(finished).exists()):
        with path.open("rb") as lines:
            write_indexed(iter(lambda: lines.readline(MOST_LINE), b""), finished, path.stat())
    path.unlink(missing_ok=True)
    return finished


def write_indexed(lines: Iterable[bytes], target: Path, like: os.stat_result) -> None:
    """Write lines as a compressed segment with its index; mode and time are those of `like`."""
    parts = [target, index_path(target)]
    unfinished = [path.with_name(path.name + UNFINISHED) for path in parts]
    for part in unfinished:
        part.unlink(missing_ok=True)  # of a process that is no more
    try:
        with new_like(unfinished[0], like) as packed, new_like(unfinished[1], like) as index:
            for member in _members(lines):
                entries = b"".join(_entries(member, packed.tell()))
                packed.write(zlib.compress(b"".join(member), LEVEL, GZIP))
                index.write(entries)
            settle(packed, like)
            settle(index, like)
        for part, path in zip(reversed(unfinished), reversed(parts), strict=True):
            os.rename(part, path)
    except BaseException:
        for part in unfinished:
            part.unlink(missing_ok=True)
        raise


def _members(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The lines in portions for one member each."""
    portion: list[bytes] = []
    size = 0
    for line in lines:
        if portion and size + len(line) > MEMBER_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(line)
        size += len(line)
    if portion:
        yield portion


class _Named(msgspec.Struct):
    exchange_id: str


_named = msgspec.json.Decoder(_Named)


def _entries(member: list[bytes], at: int) -> Iterator[bytes]:
    """The index entries of a member's lines. A damaged line has none, and stays where it is."""
    offset = 0
    for line in member:
        try:
            identifier = UUID(_named.decode(line).exchange_id)
        except (msgspec.MsgspecError, ValueError):
            pass
        else:
            yield ENTRY.pack(identifier.bytes, at, offset, len(line.rstrip(b"\n")))
        offset += len(line)


def look_up(path: Path, start: bytes) -> Iterator[Entry]:
    """The entries of an index whose id begins with these bytes. Raises OSError, or ValueError."""
    with path.open("rb") as file:
        while piece := file.read(ENTRY.size * 8192):
            if len(piece) % ENTRY.size:
                raise ValueError(f"{path.name} is cut off")
            at = piece.find(start)
            while at >= 0:
                if at % ENTRY.size == 0:
                    yield Entry(*ENTRY.unpack_from(piece, at))
                at = piece.find(start, at + 1)
