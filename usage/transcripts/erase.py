"""Remove somebody's transcripts from log files, while a gateway writes on. Needs no database.

A file is made anew without them beside the old one, and takes its name when it is whole: whatever a
crash leaves can be done again. All other lines stay as they are, to the byte.
"""

from __future__ import annotations

import errno
import gzip
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import msgspec

from usage.log_lock import POLL_SECONDS, lies_at, locked_within, tidy_lock, write_lock
from usage.transcripts.new_file import new_like, settle
from usage.transcripts.plain import in_one_line
from usage.transcripts.raw_lines import Advance, Progress, Report, SegmentReader, summed
from usage.transcripts.segments import (
    COMPRESSED,
    LIVE,
    MOST_LINE,
    STAMP,
    UNFINISHED,
    Segment,
    compress_indexed,
    index_path,
    rotated_at,
    segments,
    write_indexed,
)
from usage.transcripts.stored import Unusable, read_line

WAIT_SECONDS = 60.0
"""For another process that holds a file; one that compresses a long file takes some time."""
COMPRESSING_SECONDS = 10.0
"""Who writes a compressed file leaves it alone for less than this before it is whole."""
LONGEST = 200
"""Characters of a name that are kept of what a client calls itself."""

Member = Literal["end_user", "client_key", "session"]
Touched = Callable[[Path, int], None]


class Whose(NamedTuple):
    """The transcripts with this value in this member."""

    member: Member
    value: str

    def means(self, line: bytes) -> bool:
        """Whether a line is one of them. One that is damaged is, if it still says so."""
        said = msgspec.json.encode(self.value[:LONGEST])
        if said not in line and b"\\u" not in line:
            return False
        try:
            head = read_line(line, Path()).head
        except Unusable:
            forms = (said, in_one_line(said))
            return any(b'"%b":%b' % (self.member.encode(), form) in line for form in forms)
        return bool(getattr(head, self.member) == self.value[:LONGEST])


class Eraser:
    """Counts and erases in one directory. `touched` is told of each file and how much of it went.

    `wait` bounds in seconds how long another process is waited for that holds one of the files.
    """

    def __init__(
        self,
        directory: Path,
        whose: Whose,
        touched: Touched,
        report: Report,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._directory = directory
        self._live = directory / LIVE
        self._whose = whose
        self._touched = touched
        self._report = report
        self._wait = wait

    def count(self, progress: Progress) -> None:
        """Say what `erase` would remove, file by file. Raises OSError."""
        found = segments(self._directory)
        advance = summed(found, progress)
        for segment in found:
            now = segment if segment.path.exists() else segment.renamed()
            with suppress(FileNotFoundError):  # removed for its age meanwhile
                lines = self._lines(now or segment, advance, self._report)
                self._tell(segment.path, sum(map(self._whose.means, lines)))

    def erase(self, progress: Progress) -> None:
        """Remove what was written up to now. Raises OSError; then it can be done again.

        BlockingIOError is of another process that held a file for too long, or moved one meanwhile.
        """
        with locked_within(tidy_lock(self._live), self._wait):
            self._finish()
            try:
                live: BinaryIO | None = self._live.open("rb")
            except FileNotFoundError:
                live = None
            found = self._settled()
            advance = summed(found, progress)
            for segment in found:
                if segment.path != self._live:
                    with suppress(FileNotFoundError):
                        self._erase_rotated(segment, advance)
            if live is not None:
                with live:
                    self._erase_live(live, advance)
        self._refuse_moved(found)

    def _settled(self) -> list[Segment]:
        """The segments, once nobody compresses one of them any more, as after a rotation by logrotate.

        It would go on in the file that was replaced, and remove the plain one at its end.
        """
        until = time.monotonic() + self._wait
        while True:
            found = segments(self._directory)
            busy = next(filter(_is_being_compressed, found), None)
            if busy is None:
                return found
            if time.monotonic() >= until:
                raise BlockingIOError(errno.EAGAIN, "another process writes it", str(busy.path))
            time.sleep(POLL_SECONDS)

    def _refuse_moved(self, found: list[Segment]) -> None:
        """What another program moved or compressed meanwhile may hold some of theirs."""
        known = {segment.path for segment in found} | {self._live}
        for segment in segments(self._directory):
            if segment.path not in known and rotated_at(segment.path.name) is None:
                raise BlockingIOError(errno.EAGAIN, "another process moved it", str(segment.path))

    def _finish(self) -> None:
        """Take away what a crash has left half-way, which nobody looks into again."""
        for name in os.listdir(self._directory):
            path = self._directory / name
            part = name.removesuffix(UNFINISHED).removesuffix(".idx")
            if name.endswith(UNFINISHED) and rotated_at(part) is not None:
                path.unlink(missing_ok=True)
        for name in os.listdir(self._directory):
            path = self._directory / name
            is_plain = not name.endswith(COMPRESSED) and rotated_at(name) is not None
            if is_plain and path.with_name(name + COMPRESSED).exists():
                compress_indexed(path)

    def _erase_rotated(self, segment: Segment, advance: Advance) -> None:
        """Nobody writes into it any more."""
        path = segment.path
        lines = mine = 0
        for line in self._lines(segment, advance, self._report):
            lines += 1
            mine += self._whose.means(line)
        if not mine:
            return
        like = path.stat()
        if mine == lines:
            index_path(path).unlink(missing_ok=True)
            path.unlink()
        elif segment.compressed and rotated_at(path.name) is not None:
            _refuse_foreign(path, like)
            write_indexed(self._kept(segment), path, like)
        else:
            with Replacement(path, like) as new:
                if segment.compressed:  # by another program, which knows of no index
                    with gzip.GzipFile(filename="", fileobj=new.file, mode="wb") as packed:
                        packed.writelines(self._kept(segment))
                else:
                    new.file.writelines(self._kept(segment))
                new.put(path, like)
        self._tell(path, mine)

    def _erase_live(self, source: BinaryIO, advance: Advance) -> None:
        """Whoever writes waits only for what came while the rest was read."""
        like = os.fstat(source.fileno())
        mine = sum(map(self._whose.means, _whole_lines(source, like.st_size, advance)))
        if not mine and (source.tell() == like.st_size or not self._in_rest(source)):
            return
        source.seek(0)
        with Replacement(self._live, like) as new:
            for line in _whole_lines(source, like.st_size, _nothing):
                if not self._whose.means(line):
                    new.file.write(line)
            settle(new.file, like)  # most of it: the lock is held for the rest alone
            with locked_within(write_lock(self._live), self._wait):
                path = self._path_of(source.fileno())
                if path is None:
                    return  # removed for its age, or done with already: it was rotated before the others
                size = os.fstat(source.fileno()).st_size
                for line in _read_lines(source, size, _nothing):
                    if self._whose.means(line):
                        mine += 1
                    else:
                        new.file.write(line)
                new.put(path, os.fstat(source.fileno()))
        self._tell(path, mine)

    def _in_rest(self, source: BinaryIO) -> bool:
        """Whether a line that was just being written is one of them."""
        with locked_within(write_lock(self._live), self._wait):
            size = os.fstat(source.fileno()).st_size
            return any(map(self._whose.means, _read_lines(source, size, _nothing)))

    def _path_of(self, descriptor: int) -> Path | None:
        """Where the file that was the live one is now: others rotate."""
        for segment in reversed(segments(self._directory)):
            if lies_at(descriptor, segment.path):
                return segment.path
        return None

    def _kept(self, segment: Segment) -> Iterator[bytes]:
        lines = self._lines(segment, _nothing, _nothing)
        return (line for line in lines if not self._whose.means(line))

    def _lines(self, segment: Segment, advance: Advance, report: Report) -> Iterator[bytes]:
        """The lines of a segment with their ends; what cannot be inflated is reported and left out."""
        if segment.compressed:
            with SegmentReader(segment, report, advance) as reader:
                for raw in reader.forwards():
                    yield raw.data + b"\n"
        else:
            with segment.path.open("rb") as file:
                yield from _read_lines(file, os.fstat(file.fileno()).st_size, advance)

    def _tell(self, path: Path, number: int) -> None:
        if number:
            self._touched(path, number)


class Replacement:
    """A file that is to take another's place, with its mode, owner and time; gone if it never does.

    Its name is one that whoever tidies takes for unfinished, should this process not come to its end.
    """

    def __init__(self, path: Path, like: os.stat_result) -> None:
        _refuse_foreign(path, like)
        now = datetime.now(UTC).strftime(STAMP)
        self._part = path.with_name(f"transcripts-{now}.log{COMPRESSED}{UNFINISHED}")
        self.file = new_like(self._part, like)

    def __enter__(self) -> Replacement:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self._part.unlink(missing_ok=True)

    def put(self, path: Path, like: os.stat_result) -> None:
        """Take the place. The time tells a writer which day's lines these are."""
        settle(self.file, like)
        os.rename(self._part, path)


def _is_being_compressed(segment: Segment) -> bool:
    """Whether another program may still be at it: the plain file is there, and this one is young."""
    path = segment.path
    if not segment.compressed or rotated_at(path.name) is not None:
        return False
    plain = path.with_name(path.name.removesuffix(COMPRESSED))
    try:
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    return plain.name != LIVE and plain.exists() and abs(age) < COMPRESSING_SECONDS


def _read_lines(file: BinaryIO, end: int, advance: Advance) -> Iterator[bytes]:
    """The lines up to there, each with its end if it has one."""
    at = file.tell()
    while at < end:
        line = file.readline(min(MOST_LINE, end - at))
        if not line:
            return
        at += len(line)
        advance(len(line))
        yield line


def _whole_lines(file: BinaryIO, end: int, advance: Advance) -> Iterator[bytes]:
    """The same, but up to the last line's end: somebody may just be writing what comes after it."""
    at = file.tell()
    for line in _read_lines(file, end, advance):
        if not line.endswith(b"\n"):
            file.seek(at)
            return
        at += len(line)
        yield line


def _refuse_foreign(path: Path, like: os.stat_result) -> None:
    """Raises PermissionError: a file that changed hands could not be written by its service."""
    if os.geteuid() not in (0, like.st_uid):
        why = "it belongs to another user: run this as that user, or as root"
        raise PermissionError(errno.EPERM, why, str(path))


def _nothing(_: object) -> None:
    """For who need not be told."""
