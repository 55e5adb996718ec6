"""Makes a file that is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO


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
