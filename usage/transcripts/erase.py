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
from contextlib import ExitStack, suppress
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
Identity = tuple[int, ...]
"""A file as it is: device, inode, bytes, and times of its changes. An inode alone is used again at once."""


class Moved(OSError):
    """A file came to lie where nobody had looked into it, so some of theirs may be left."""


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
        self._seen: set[Identity] = set()

    def count(self, progress: Progress) -> None:
        """Say what `erase` would remove, file by file. Raises OSError as `erase` does."""
        self._seen.clear()
        with ExitStack() as stack:
            live = self._open_live(stack)
            found = self._settled()
            advance = summed(found, progress)
            for segment in found:
                if segment.path != self._live:
                    with suppress(FileNotFoundError):  # removed for its age meanwhile
                        self._count_rotated(segment, live, advance)
            if live is not None:
                self._looked_into(live.fileno())
                lines = _read_lines(live, os.fstat(live.fileno()).st_size, advance)
                self._tell(self._live, sum(map(self._whose.means, lines)))
        self._refuse_moved()

    def erase(self, progress: Progress) -> None:
        """Remove what was written up to now. Raises OSError; then it can be done again.

        BlockingIOError is of another process that held a file for too long; Moved of one that came
        to lie where nobody had looked into it.
        """
        self._seen.clear()
        with locked_within(tidy_lock(self._live), self._wait), ExitStack() as stack:
            self._finish()
            live = self._open_live(stack)
            found = self._settled()
            advance = summed(found, progress)
            for segment in found:
                if segment.path != self._live:
                    with suppress(FileNotFoundError):
                        self._erase_rotated(segment, advance)
            if live is not None:
                self._erase_plain(live, advance)
        self._refuse_moved()

    def _open_live(self, stack: ExitStack) -> BinaryIO | None:
        """Before the others are listed, for it may become one of them at any moment."""
        try:
            return stack.enter_context(self._live.open("rb"))
        except FileNotFoundError:
            return None

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

    def _looked_into(self, descriptor: int) -> None:
        """As it is now; so before it is read, for what others then write into it is not."""
        self._seen.add(_identity(os.fstat(descriptor)))

    def _refuse_moved(self) -> None:
        """What others have moved, compressed or written meanwhile may hold some of theirs. Raises Moved."""
        for segment in segments(self._directory):
            if segment.path != self._live and rotated_at(segment.path.name) is None:
                with suppress(FileNotFoundError):
                    if _identity(segment.path.stat()) not in self._seen:
                        raise Moved(errno.ESTALE, "moved meanwhile", str(segment.path))

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

    def _count_rotated(self, segment: Segment, live: BinaryIO | None, advance: Advance) -> None:
        """Unless it is the live one, which was rotated just before the others were listed."""
        with SegmentReader(segment, self._report, advance) as reader:
            if live is None or not os.path.sameopenfile(reader.fileno(), live.fileno()):
                self._looked_into(reader.fileno())
                theirs = sum(self._whose.means(raw.data) for raw in reader.forwards())
                self._tell(segment.path, theirs)

    def _erase_rotated(self, segment: Segment, advance: Advance) -> None:
        if segment.compressed:
            with SegmentReader(segment, self._report, advance) as reader:
                self._erase_compressed(reader)
        else:
            with segment.path.open("rb") as file:
                self._erase_plain(file, advance)

    def _erase_compressed(self, source: SegmentReader) -> None:
        """Nobody writes into it any more; but others than us may move it, so it is opened once."""
        path, like = source.path, os.fstat(source.fileno())
        self._looked_into(source.fileno())
        lines = mine = 0
        for raw in source.forwards():
            lines += 1
            mine += self._whose.means(raw.data)
        if not mine:
            return
        kept = (
            raw.data + b"\n" for raw in source.forwards(True) if not self._whose.means(raw.data)
        )
        _refuse_foreign(path, like)
        if mine == lines:
            _refuse_elsewhere(source.fileno(), path)
            index_path(path).unlink(missing_ok=True)
            path.unlink()
        elif rotated_at(path.name) is not None:
            write_indexed(kept, path, like)
        else:  # by another program, which knows of no index
            with Replacement(path, like) as new:
                with gzip.GzipFile(filename="", fileobj=new.file, mode="wb") as packed:
                    packed.writelines(kept)
                _refuse_elsewhere(source.fileno(), path)
                new.put(path, like)
                self._looked_into(new.file.fileno())
        self._tell(path, mine)

    def _erase_plain(self, source: BinaryIO, advance: Advance) -> None:
        """Whoever writes waits only for what came while the rest was read. Into a file that was just
        moved somebody may still write his last lines.
        """
        like = os.fstat(source.fileno())
        self._looked_into(source.fileno())
        mine = sum(map(self._whose.means, _whole_lines(source, like.st_size, advance)))
        if not mine and (source.tell() == like.st_size or not self._in_rest(source)):
            return
        source.seek(0)
        with Replacement(Path(source.name), like) as new:
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
                if path != self._live and not new.file.tell():
                    path.unlink()
                else:
                    new.put(path, os.fstat(source.fileno()))
                    self._looked_into(new.file.fileno())
        self._tell(path, mine)

    def _in_rest(self, source: BinaryIO) -> bool:
        """Whether a line that was just being written is one of them."""
        with locked_within(write_lock(self._live), self._wait):
            size = os.fstat(source.fileno()).st_size
            return any(map(self._whose.means, _read_lines(source, size, _nothing)))

    def _path_of(self, descriptor: int) -> Path | None:
        """Where a file is now: others rotate. It is asked right before its place is taken, for who
        does so without our locks could be in between.
        """
        for segment in reversed(segments(self._directory)):
            if lies_at(descriptor, segment.path):
                return segment.path
        return None

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


def _identity(status: os.stat_result) -> Identity:
    times = status.st_mtime_ns, status.st_ctime_ns
    return status.st_dev, status.st_ino, status.st_size, *times


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


def _refuse_elsewhere(descriptor: int, path: Path) -> None:
    """Raises Moved: at that path is another file by now."""
    if not lies_at(descriptor, path):
        raise Moved(errno.ESTALE, "moved meanwhile", str(path))


def _refuse_foreign(path: Path, like: os.stat_result) -> None:
    """Raises PermissionError: a file that changed hands could not be written by its service."""
    if os.geteuid() not in (0, like.st_uid):
        why = "it belongs to another user: run this as that user, or as root"
        raise PermissionError(errno.EPERM, why, str(path))


def _nothing(_: object) -> None:
    """For who need not be told."""
