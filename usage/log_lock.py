"""Log files, which several processes open: made for their directory's owner, and held by one at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

DIRECTORY_MODE, FILE_MODE = 0o750, 0o640
"""For the service and its group, to which a shipper may belong; strangers read no log."""
POLL_SECONDS = 0.05


def write_lock(log: Path) -> Path:
    """The lock of who appends to a log or rotates it."""
    return log.with_name(f".{log.name}.lock")


def tidy_lock(log: Path) -> Path:
    """The lock of who compresses, removes or changes what was rotated."""
    return log.with_name(f".{log.name}.tidy.lock")


def make_directory(directory: Path) -> None:
    """Raises OSError, as where a file lies in its place."""
    if not directory.is_dir():
        directory.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)


def open_file(path: Path, flags: int, mode: int = FILE_MODE) -> int:
    """A descriptor of the file, which is made where there is none. Raises OSError.

    What root makes belongs to whom the directory does: a command that an administrator typed must
    not leave a file behind that the service cannot write.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, mode)
    if os.geteuid() == 0:
        owner = os.stat(path.parent)
        if (owner.st_uid, owner.st_gid) != (0, 0) and os.fstat(descriptor).st_uid == 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def lies_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at that path."""
    try:
        there = os.stat(path)
    except OSError:
        return False
    here = os.fstat(descriptor)
    return (here.st_ino, here.st_dev) == (there.st_ino, there.st_dev)


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[bool]:
    """Hold the lock of this file; yields whether it is held, which without `wait` may not be.

    A lock on a file that was removed binds nobody who comes later, so it is taken anew.
    """
    while True:
        descriptor = open_file(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(descriptor)
            yield False
            return
        except BaseException:
            os.close(descriptor)
            raise
        if lies_at(descriptor, path):
            break
        os.close(descriptor)
    try:
        yield True
    finally:
        os.close(descriptor)


@contextmanager
def locked_within(path: Path, seconds: float) -> Iterator[None]:
    """The same for who waits so long and no longer. Raises BlockingIOError with the path."""
    until = time.monotonic() + seconds
    while True:
        with locked(path, wait=False) as held:
            if held:
                yield
                return
        if time.monotonic() >= until:
            raise BlockingIOError(errno.EAGAIN, "another process holds it", str(path))
        time.sleep(POLL_SECONDS)


def seconds(text: str) -> float:
    """How long to wait for a lock, as somebody typed it. Raises ValueError."""
    number = float(text)
    if not 0 <= number < inf:
        raise ValueError
    return number
