"""The rotated files of one log: how they are named, compressed and, past their time, removed.

Only files whose whole name is of our making are ever touched.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from usage.log_lock import locked, locked_within, tidy_lock
from usage.transcripts.new_file import new_like, settle

STAMP = "%Y%m%dT%H%M%S.%fZ"
COMPRESSED, INDEX, UNFINISHED = ".gz", ".gz.idx", ".part"
PIECE = 2**20


class Limits(NamedTuple):
    """How many rotated files are kept, for how many days (0: for ever), and whether compressed."""

    kept: int
    days: float
    compress: bool


class Segment(NamedTuple):
    """One rotated file. `at` is when it was rotated, as its name says."""

    path: Path
    at: datetime
    compressed: bool


class Superfluous(NamedTuple):
    """A rotated file that is to go, and why."""

    path: Path
    size: int
    why: str


class Segments:
    """What lies beside the log at `path`. Several processes may tidy; one at a time does.

    `compress` puts a rotated file under its compressed name, maybe with an index, and removes it.
    """

    def __init__(
        self, path: Path, limits: Limits, compress: Callable[[Path], object] | None = None
    ) -> None:
        self.path = path
        self._limits = limits
        self._compress_one = compress or _compress
        self._stem, self._suffix = os.path.splitext(path.name)
        stamp = r"(\d{8}T\d{6}\.\d{6}Z)"
        name = re.escape(self._stem) + "-" + stamp + re.escape(self._suffix)
        self._name = re.compile(name + r"(\.gz|\.gz\.part|\.gz\.idx|\.gz\.idx\.part)?")
        self._lock = tidy_lock(path)

    def fresh(self, now: float) -> Path:
        """A name for the file that is rotated now."""
        at = datetime.fromtimestamp(now, UTC)
        while True:
            name = f"{self._stem}-{at.strftime(STAMP)}{self._suffix}"
            path = self.path.with_name(name)
            if not path.exists() and not path.with_name(name + COMPRESSED).exists():
                return path
            at += timedelta(microseconds=1)

    def all(self) -> list[Segment]:
        """The newest first."""
        found = [
            Segment(path, at, ending == COMPRESSED)
            for path, at, ending in self._ours()
            if ending in ("", COMPRESSED)
        ]
        return sorted(found, key=lambda segment: segment.at, reverse=True)

    def size(self) -> tuple[int, int]:
        """(bytes, files) of the log with all that was rotated."""
        sizes = []
        for path in (self.path, *(path for path, _, _ in self._ours())):
            with suppress(OSError):  # it may go meanwhile
                sizes.append(path.stat().st_size)
        return sum(sizes), len(sizes)

    def tidy(self, now: float) -> None:
        """Compress what is not yet, and remove what is past its time, unless another process does.

        Raises OSError. What a crash left half-way is taken up again.
        """
        if not self.path.parent.exists():
            return
        with locked(self._lock, wait=False) as held:
            if held:
                self._remove(self.superfluous(now))
                if self._limits.compress:
                    self._compress()

    def clean(self, now: float, seconds: float) -> list[Superfluous]:
        """Remove what is past its time, and say what it was.

        Raises OSError; BlockingIOError where another process tidies for longer than that.
        """
        if not self.superfluous(now):
            return []
        with locked_within(self._lock, seconds):
            found = self.superfluous(now)
            self._remove(found)
        return found

    def superfluous(self, now: float, idle_since: float = 0.0) -> list[Superfluous]:
        """What is past its count or its age. The live file counts as rotated if it is idle since then."""
        found = []
        oldest = now - self._limits.days * 86_400 if self._limits.days else 0.0
        kept = self.all()
        if idle_since:
            kept.append(Segment(self.path, datetime.fromtimestamp(idle_since, UTC), False))
            kept.sort(key=lambda segment: segment.at, reverse=True)
        for number, segment in enumerate(kept):
            if number >= self._limits.kept:
                why = f"more than {self._limits.kept} are kept"
            elif segment.at.timestamp() < oldest:
                why = f"older than {self._limits.days:g} days"
            else:
                continue
            with suppress(OSError):
                found.append(Superfluous(segment.path, segment.path.stat().st_size, why))
        return found

    def _ours(self) -> Iterator[tuple[Path, datetime, str]]:
        """(path, moment, ending) of every file that is ours by its name."""
        try:
            names = os.listdir(self.path.parent)
        except OSError:
            return
        for name in names:
            match = self._name.fullmatch(name)
            if match:
                with suppress(ValueError):  # digits that are no date
                    at = datetime.strptime(match[1], STAMP).replace(tzinfo=UTC)
                    yield self.path.with_name(name), at, match[2] or ""

    @staticmethod
    def _remove(found: list[Superfluous]) -> None:
        for each in found:
            each.path.unlink(missing_ok=True)
            each.path.with_name(each.path.name.removesuffix(COMPRESSED) + INDEX).unlink(
                missing_ok=True
            )

    def _compress(self) -> None:
        for path, _, ending in list(self._ours()):
            if ending.endswith(
                UNFINISHED
            ):  # of a process that is no more: who writes one holds the lock
                path.unlink(missing_ok=True)
        for segment in reversed(self.all()):
            if not segment.compressed:
                self._compress_one(segment.path)


def _compress(path: Path) -> None:
    """Under its last name it is whole; until then the source stays. Raises OSError."""
    finished = path.with_name(path.name + COMPRESSED)
    if not finished.exists():
        part = path.with_name(path.name + COMPRESSED + UNFINISHED)
        try:
            _write_compressed(path, part)
            os.rename(part, finished)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    path.unlink(missing_ok=True)


def _write_compressed(source: Path, target: Path) -> None:
    like = source.stat()
    with source.open("rb") as lines, new_like(target, like) as file:
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6) as packed:
            shutil.copyfileobj(lines, packed, PIECE)
        settle(file, like)
