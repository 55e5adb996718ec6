"""Follow the live segment of a directory, as `tail -F` would: past rotations, and before it is there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

from usage.transcripts.raw_lines import BLOCK, Damage, Report, SegmentReader
from usage.transcripts.segments import COMPRESSED, LIVE, MOST_LINE, Segment, rotated_at
from usage.transcripts.stored import Line, Unusable, read_line

POLL_SECONDS = 0.25


def follow(directory: Path, report: Report) -> Iterator[Line]:
    """The transcripts that are written after this call, without an end. Raises OSError."""
    return _without_end(Follower(directory, report))


def _without_end(follower: Follower) -> Iterator[Line]:
    try:
        while True:
            yield from follower.read()
            time.sleep(POLL_SECONDS)
    finally:
        follower.close()


class Follower:
    """Reads what is written to the live segment of a directory from its making on."""

    def __init__(self, directory: Path, report: Report) -> None:
        self._path = directory / LIVE
        self._report = report
        self._begun = b""
        self._number = 0
        self._file: BinaryIO | None = None
        self._known = set(self._rotated())
        self._open()
        self._skip()

    def read(self) -> Iterator[Line]:
        """What was written since. Raises OSError."""
        while True:
            yield from self._rest()
            if self._is_live():
                return
            yield from self._rest()  # what was written before it was rotated
            yield from self._end()
            yield from self._next()
            if self._file is None:
                return

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> bool:
        """Begin with the live file; returns whether there is one."""
        self._begun, self._number = b"", 0
        try:
            self._file = self._path.open("rb")
        except FileNotFoundError:
            self._file = None
        return self._file is not None

    def _skip(self) -> None:
        """Go to the end of the last whole line."""
        if self._file is None:
            return
        end = 0
        while piece := self._file.read(BLOCK):
            self._number += piece.count(b"\n")
            end = self._file.tell() - len(piece) + piece.rfind(b"\n") + 1 if b"\n" in piece else end
        self._file.seek(end)

    def _is_live(self) -> bool:
        """Whether the open file is still the one that is written to."""
        if self._file is None:
            return False
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._file.fileno()))

    def _rest(self) -> Iterator[Line]:
        """The whole lines that the open file has gained."""
        file = self._file
        if file is None:
            return
        if os.fstat(file.fileno()).st_size < file.tell():  # copied and cut to nothing by logrotate
            file.seek(0)
            self._begun, self._number = b"", 0
        while piece := file.read(BLOCK):
            *lines, self._begun = (self._begun + piece).split(b"\n")
            for line in lines:
                yield from self._read(line)
            if len(self._begun) > MOST_LINE:
                self._begun = self._begun[:1]  # without its middle it is damaged

    def _end(self) -> Iterator[Line]:
        """What is left of a file that nobody writes to any more."""
        begun, self._begun = self._begun, b""
        if begun:
            yield from self._read(begun)

    def _read(self, data: bytes) -> Iterator[Line]:
        self._number += 1
        if data.strip():
            try:
                yield read_line(data, self._path)
            except Unusable as error:
                self._report(Damage(self._path, self._number, str(error)))

    def _next(self) -> Iterator[Line]:
        """Go on in the file that is live now, past those that came and went since the last look."""
        # it stays open, so that no other file gets its number
        with nullcontext() if self._file is None else self._file as old:
            self._file = None
            while True:
                self.close()
                is_there = self._open()
                names = self._rotated()
                if not is_there or self._is_live():  # else it was rotated before we listed
                    break
            fresh = [name for name in names if name not in self._known]
            self._known = set(names)
            if old is not None:
                fresh = self._without_own(fresh, os.fstat(old.fileno()))
        for name in fresh:
            yield from self._whole(self._path.with_name(name))

    def _without_own(self, names: list[str], old: os.stat_result) -> list[str]:
        """Leave out the file that was open here: it has been read."""
        for name in names:
            with suppress(FileNotFoundError):  # it may be compressed at any moment
                if os.path.samestat(self._path.with_name(name).stat(), old):
                    return [other for other in names if other != name]
        return names[1:]  # it is compressed already, and it was the first

    def _rotated(self) -> list[str]:
        """The names of our making, without `.gz`, in the order of their rotation."""
        try:
            names = {name.removesuffix(COMPRESSED) for name in os.listdir(self._path.parent)}
        except FileNotFoundError:
            return []
        return sorted(name for name in names if rotated_at(name) is not None)

    def _whole(self, path: Path) -> Iterator[Line]:
        try:
            reader = SegmentReader(Segment(path), self._report, lambda _: None)
        except FileNotFoundError:  # removed for its age
            return
        with reader:
            for raw in reader.forwards():
                try:
                    yield read_line(raw.data, reader.path)
                except Unusable as error:
                    reader.damage(raw, str(error))
