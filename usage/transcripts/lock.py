"""The locks of log files, as whoever writes and tidies them holds them: see proxyproject.log_lock.

Said again here because this room may not import that one. What must agree is where a lock lies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE_MODE = 0o640


def write_lock(log: Path) -> Path:
    """Held by who appends to a log or rotates it."""
    return log.with_name(f".{log.name}.lock")


def tidy_lock(log: Path) -> Path:
    """Held by who compresses or removes what was rotated."""
    return log.with_name(f".{log.name}.tidy.lock")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of this file. A lock on one that was removed binds nobody, so it is taken anew."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            give_to_owner(descriptor, path.parent)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if lies_at(descriptor, path):
                yield
                return
        finally:
            os.close(descriptor)


def give_to_owner(descriptor: int, directory: Path) -> None:
    """What root makes belongs to whom the directory does, so that the service can go on with it."""
    if os.geteuid() == 0:
        owner = os.stat(directory)
        if (owner.st_uid, owner.st_gid) != (0, 0) and os.fstat(descriptor).st_uid == 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def lies_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at that path."""
    try:
        there = os.stat(path)
    except OSError:
        return False
    here = os.fstat(descriptor)
    return (here.st_ino, here.st_dev) == (there.st_ino, there.st_dev)
