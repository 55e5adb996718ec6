"""The raw lines of one segment, from its first or from its last, past whatever is damaged.

It knows files and gzip, and nothing of what a line says. Never is a whole file in memory.
"""

from __future__ import annotations

import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

from usage.transcripts.segments import GZIP, LIVE, MOST_LINE, Segment

BLOCK = 256 * 2**10
FEED = 16 * 2**10
"""Compressed bytes inflated at once."""
SPOOL = 4 * 2**20
LINE_SECONDS = 0.25
"""How long it takes at most to write a line of which the beginning is there."""
MEMBER = b"\x1f\x8b\x08" + bytes(5)
"""How a member of our own making begins; as chance it would come once in 16 exabytes."""


class Damage(NamedTuple):
    """Something that could not be read, and where; the rest was."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.what}"


class Raw(NamedTuple):
    """One line as it lies there. Below 0, `line` counts from the end: -1 is the last."""

    data: bytes
    line: int


Report = Callable[[Damage], None]
Advance = Callable[[int], None]
Progress = Callable[[int, int], None]


def summed(found: list[Segment], progress: Progress) -> Advance:
    """Adds up what was read, and tells it beside how much there is."""
    whole = done = 0
    for segment in found:
        with suppress(FileNotFoundError):  # rotated, compressed or removed since they were listed
            whole += segment.path.stat().st_size

    def advance(size: int) -> None:
        nonlocal done
        done += size
        progress(done, whole)

    return advance


def _nothing(_: int) -> None:
    """For who need not be told."""


class Broken(Exception):
    """A gzip member cannot be read (any further). `start` is where it begins."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self.start = start


class SegmentReader(AbstractContextManager["SegmentReader"]):
    """Reads one segment. `advance` is told of every byte of the file that is done with.

    The file is open from the beginning, so that it may be rotated or removed meanwhile. Raises
    OSError.
    """

    def __init__(self, segment: Segment, report: Report, advance: Advance) -> None:
        try:
            self._file: IO[bytes] = segment.path.open("rb")
        except FileNotFoundError:
            renamed = segment.renamed()
            if renamed is None:
                raise
            segment = renamed
            self._file = segment.path.open("rb")
        self.path = segment.path
        self._compressed = segment.compressed
        self._report = report
        self._advance = advance
        is_live = self.path.name == LIVE
        self._size = _settled_size(self._file) if is_live else self._file.seek(0, 2)
        self._lines: int | None = None

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fileno(self) -> int:
        """The descriptor of the file, wherever that lies by now."""
        return self._file.fileno()

    def forwards(self, again: bool = False) -> Iterator[Raw]:
        """The lines, the first one first. `again` tells of no damage and no advance."""
        number = 0
        for line in self._split(self._pieces(_nothing if again else self._advance)):
            number += 1
            if isinstance(line, Broken):
                if not again:
                    self._tell(line, number)
                number -= 1
            elif line.strip():
                yield Raw(line, number)

    def backwards(self) -> Iterator[Raw]:
        """The lines, the last one first. A large member of foreign making goes through a file."""
        number = 0
        for file, size in self._parts():
            for line in _lines_backwards(file, size, self._advance_plain):
                number -= 1
                if line.strip():
                    yield Raw(line, number)

    def damage(self, raw: Raw, what: str) -> None:
        """Report that a line cannot be used."""
        self._report(Damage(self.path, self._place(raw.line), what))

    def _place(self, line: int) -> int:
        """The number of a line, counted from the first one."""
        return line if line > 0 else self._count() + 1 + line

    def _count(self) -> int:
        """How many lines there are. Only damage makes anybody ask."""
        if self._lines is None:
            lines = self._split(self._pieces(_nothing))
            self._lines = sum(not isinstance(line, Broken) for line in lines)
        return self._lines

    def _tell(self, broken: Broken, line: int) -> None:
        what = f"lines are missing here: the gzip member at byte {broken.start} is damaged"
        self._report(Damage(self.path, line, what))

    def _advance_plain(self, size: int) -> None:
        if not self._compressed:
            self._advance(size)

    def _pieces(self, advance: Advance) -> Iterator[bytes | Broken]:
        """What the file holds, piece by piece, with the places between where something is missing."""
        at = 0
        while at < self._size:
            try:
                yield from self._read(at, advance)
                return
            except Broken as broken:
                yield broken
                at = next(_members(self._file, broken.start + 1), self._size)

    def _read(self, at: int, advance: Advance) -> Iterator[bytes]:
        if self._compressed:
            yield from _inflate(self._file, at, self._size, advance)
            return
        self._file.seek(at)
        while piece := self._file.read(BLOCK):
            advance(len(piece))
            at += len(piece)
            yield piece
            self._file.seek(at)

    def _split(self, pieces: Iterator[bytes | Broken]) -> Iterator[bytes | Broken]:
        pending: list[bytes] = []
        size = 0
        for piece in pieces:
            if isinstance(piece, Broken):
                pending, size = [], 0  # the rest of this line is lost
                yield piece
                continue
            first, *rest = piece.split(b"\n")
            if size < MOST_LINE:  # what is longer stays without its end, and is damaged by that
                pending.append(first)
            size += len(first)
            for line in rest:
                yield b"".join(pending)
                pending, size = [line], len(line)
        if size:
            yield b"".join(pending)

    def _parts(self) -> Iterator[tuple[IO[bytes], int]]:
        """Files with a part of the lines each, the last lines first."""
        if not self._compressed:
            yield self._file, self._size
            return
        ends = self._size
        starts = [0, *_members(self._file, 1)]
        for start in reversed(starts):
            with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
                broken = self._inflate_into(spool, start, ends)
                size = spool.tell()
                if broken is not None:
                    size = _whole_lines(spool, size)
                    self._tell(broken, self._lines_up_to(start) + _count(spool, size) + 1)
                yield spool, size
            self._advance(ends - start)
            ends = start

    def _inflate_into(self, spool: IO[bytes], start: int, end: int) -> Broken | None:
        try:
            for piece in _inflate(self._file, start, end, _nothing):
                spool.write(piece)
        except Broken as broken:
            return broken
        return None

    def _lines_up_to(self, end: int) -> int:
        """How many lines the members before a place hold."""
        lines = 0
        starts = [at for at in (0, *_members(self._file, 1)) if at < end]
        for start, ends in pairwise([*starts, end]):
            with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
                self._inflate_into(spool, start, ends)
                lines += _count(spool, spool.tell())
        return lines


def _settled_size(file: IO[bytes]) -> int:
    """The size of a file that is being written: where a line seems not to end, it may in a moment."""
    until = time.monotonic() + LINE_SECONDS
    while True:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        if file.read(1) in (b"\n", b"") or time.monotonic() >= until:
            return size
        time.sleep(LINE_SECONDS / 50)


def read_at(path: Path, member: int, offset: int, length: int) -> bytes:
    """A line of a compressed segment, from where its index says it is. Raises OSError, or Broken."""
    found = bytearray()
    with path.open("rb") as file:
        for piece in _inflate(file, member, file.seek(0, 2), _nothing):
            found += piece
            if len(found) >= offset + length:
                break
    return bytes(found[offset : offset + length])


def _inflate(file: IO[bytes], at: int, end: int, advance: Advance) -> Iterator[bytes]:
    """What the members from here to there hold. Raises Broken."""
    member, inflater, fed = at, zlib.decompressobj(GZIP), b""
    while fed or at < end:
        if not fed:
            file.seek(at)  # others read in it as well
            fed = file.read(min(FEED, end - at))
            at += len(fed)
            advance(len(fed))
            if not fed:
                break
        before = inflater.copy()
        try:
            inflated = inflater.decompress(fed)
        except zlib.error:
            yield from _up_to_damage(before, fed)
            raise Broken(member) from None
        if inflated:
            yield inflated
        fed = inflater.unused_data.lstrip(b"\0")
        if inflater.eof:
            member, inflater = at - len(fed), zlib.decompressobj(GZIP)
    if member < end and not inflater.eof:
        raise Broken(member)


def _up_to_damage(inflater: zlib._Decompress, fed: bytes) -> Iterator[bytes]:
    """What comes out before an inflater sees that it cannot go on; often that is at the checksum."""
    with suppress(zlib.error):
        for at in range(len(fed)):
            if inflated := inflater.decompress(fed[at : at + 1]):
                yield inflated


def _members(file: IO[bytes], at: int) -> Iterator[int]:
    """Where members of our own making begin, from a place on."""
    while True:
        file.seek(at)
        block = file.read(BLOCK)
        if len(block) < len(MEMBER):
            return
        found = block.find(MEMBER)
        while found >= 0:
            yield at + found
            found = block.find(MEMBER, found + 1)
        at += len(block) - len(MEMBER) + 1


def _lines_backwards(file: IO[bytes], size: int, advance: Advance) -> Iterator[bytes]:
    """The lines of the first `size` bytes of a file, the last one first."""
    pending: list[bytes] = []
    length = 0
    at, ended = size, False
    while at > 0:
        begin = max(0, at - BLOCK)
        file.seek(begin)
        block = file.read(at - begin)
        advance(len(block))
        at = begin
        first, *rest = block.split(b"\n")
        for line in reversed(rest):
            if ended or line or pending:  # but not the nothing after the last line's end
                yield line + b"".join(reversed(pending))
            ended, pending, length = True, [], 0
        if length >= MOST_LINE:
            pending, length = [], 0  # what is longer stays without its end, and is damaged by that
        pending.append(first)
        length += len(first)
    if size:
        yield b"".join(reversed(pending))


def _whole_lines(file: IO[bytes], size: int) -> int:
    """Up to where a file holds whole lines."""
    while size:
        begin = max(0, size - BLOCK)
        file.seek(begin)
        end = file.read(size - begin).rfind(b"\n")
        if end >= 0:
            return begin + end + 1
        size = begin
    return 0


def _count(file: IO[bytes], size: int) -> int:
    """How many lines the first bytes of a file have."""
    file.seek(0)
    lines = 0
    while size > 0 and (piece := file.read(min(BLOCK, size))):
        lines += piece.count(b"\n")
        size -= len(piece)
    return lines
