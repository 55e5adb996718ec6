"""Makes files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, TextIO


def new_like(path: Path, like: os.stat_result) -> BinaryIO:
    """A file that is not there yet, with another's mode and, made by root, its owner. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    file = os.fdopen(os.open(path, flags, like.st_mode & 0o777), "wb")
    os.fchmod(file.fileno(), like.st_mode & 0o777)
    if os.geteuid() == 0:
        os.fchown(file.fileno(), like.st_uid, like.st_gid)
    return file


def settle(file: BinaryIO, like: os.stat_result) -> None:
    """Bring it to the disk with another's time, before it gets its name. Raises OSError."""
    file.flush()
    os.fsync(file.fileno())
    os.utime(file.fileno(), ns=(like.st_atime_ns, like.st_mtime_ns))


class NewFile:
    """A file for its owner alone that has its name when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._part, flags, 0o600), "w", encoding="utf-8")

    def __enter__(self) -> TextIO:
        return self._file

    def __exit__(self, kind: object, *_: object) -> None:
        self._file.close()
        if kind is None:
            os.replace(self._part, self._path)
        else:
            self._part.unlink(missing_ok=True)
