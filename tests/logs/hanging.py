"""What writes hang at: a pipe that nobody reads, and a lock that another process holds."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from usage.log_lock import write_lock

HOLD = """
import fcntl, os, sys
files = [os.open(path, os.O_RDWR | os.O_CREAT, 0o640) for path in sys.argv[1:]]
for file in files:
    fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(*logs: Path) -> Iterator[None]:
    """Another process holds the locks of who writes to these files."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, *(str(write_lock(log)) for log in logs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield


class Fifo:
    """A pipe of one page with a name. Nobody reads it before `read`."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.end = os.open(path, os.O_RDWR)
        self._path = path
        self._data = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, 4096)

    def read(self) -> None:
        self._reader.start()

    def text(self) -> str:
        """All that was written, once nobody has it open any more."""
        os.close(self.end)
        self._reader.join(10)
        return self._data.decode()

    def _read(self) -> None:
        with self._path.open("rb") as file:
            while piece := file.read1():
                self._data += piece
