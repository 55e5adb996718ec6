"""Where journals lie on disk: names, the lock that says whose they are, how far the books have got.

A worker writes `<worker>-<number>.jnl`, one segment after the other, and holds the lock on
`<worker>.lock` as long as it lives. The lock file also keeps the Position up to which the
entries are in the database.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path
from typing import NamedTuple

SUFFIX = ".jnl"
LOCK = ".lock"
POSITION = struct.Struct("<QQQQ")
OWNER_ONLY = 0o600


class Position(NamedTuple):
    """A place in a worker's journal: everything before it is in the database.

    `entries` counts those before it; `open` are exchanges that have begun and not ended there.
    """

    segment: int = 0
    offset: int = 0
    entries: int = 0
    open: int = 0

    @property
    def place(self) -> tuple[int, int]:
        return self.segment, self.offset


def segment_path(directory: Path, worker: str, number: int) -> Path:
    return directory / f"{worker}-{number:08d}{SUFFIX}"


def lock_path(directory: Path, worker: str) -> Path:
    return directory / f"{worker}{LOCK}"


def segments(directory: Path, worker: str) -> list[int]:
    """The numbers of a worker's segments, oldest first."""
    start = f"{worker}-"
    return sorted(
        int(name[len(start) : -len(SUFFIX)])
        for name in os.listdir(directory)
        if name.endswith(SUFFIX) and name.startswith(start) and name[len(start) : -4].isdigit()
    )


def workers(directory: Path) -> list[str]:
    """Every worker that left a lock or a segment here."""
    names = set()
    for name in os.listdir(directory):
        if name.endswith(LOCK):
            names.add(name[: -len(LOCK)])
        elif name.endswith(SUFFIX):
            names.add(name.rpartition("-")[0])
    return sorted(names)


def bytes_after(directory: Path, worker: str, position: Position) -> int:
    """How much of a worker's journal is not in the database yet."""
    behind = 0
    for number in segments(directory, worker):
        if number < position.segment:
            continue
        try:
            size = segment_path(directory, worker, number).stat().st_size
        except FileNotFoundError:
            continue
        behind += size - (position.offset if number == position.segment else 0)
    return behind


def end_of_journal(directory: Path, worker: str) -> tuple[int, int]:
    """The place behind the last entry written that is still there."""
    for number in reversed(segments(directory, worker)):
        try:
            size = segment_path(directory, worker, number).stat().st_size
        except FileNotFoundError:  # the database has it
            continue
        if size:
            return number, size
    return 0, 0


def read_position(directory: Path, worker: str) -> Position:
    """How far the books have got with a worker's journal; the start if nobody has said."""
    try:
        return Position(*POSITION.unpack(lock_path(directory, worker).read_bytes()))
    except (FileNotFoundError, struct.error):
        return Position()


def write_position(directory: Path, worker: str, position: Position) -> None:
    """Keep the Position; a journal that is gone needs none."""
    try:
        descriptor = os.open(lock_path(directory, worker), os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.pwrite(descriptor, POSITION.pack(*position), 0)
    finally:
        os.close(descriptor)


class Lock:
    """A worker's lock, held. Closing it lets go."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, directory: Path, worker: str) -> Lock | None:
        """The lock on a worker's journal; None while somebody else holds it."""
        path = lock_path(directory, worker)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another process may have replayed and removed this file between the two calls
            # above; a lock on a file that has no name any more protects nothing.
            if os.fstat(descriptor).st_ino == path.stat().st_ino:
                return cls(path, descriptor)
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(descriptor)
        return None

    def remove(self) -> None:
        """The journal is done with; nobody finds it again."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        os.close(self._descriptor)
