"""One log file that every process appends to: whole lines, wherever the file has gone meanwhile.

It knows neither formats nor queues. Whoever writes holds the lock of the file, so a line is never
torn, and never goes into a file that is being compressed.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from proxyproject.log_segments import Segments
from usage.log_lock import (
    FILE_MODE,
    lies_at,
    locked,
    locked_within,
    make_directory,
    open_file,
    write_lock,
)

DAY = 86_400


class NotWritten(OSError):
    """Of what was to be written only the first `written` bytes are."""

    def __init__(self, error: OSError, written: int) -> None:
        super().__init__(error.errno, error.strerror)
        self.written = written

    @property
    def passing(self) -> bool:
        """Whether only somebody must read on, which he does when he likes."""
        return self.errno == errno.EAGAIN


class LogFile:
    """Appends to the log of these segments. Used by one thread of a process at a time.

    It is rotated before it would be larger than `max_bytes`, and on the first write of a new UTC
    day; with 0 it never is, which leaves that to others. `rotated` is set after each rotation.
    """

    def __init__(self, segments: Segments, max_bytes: int, mode: int = FILE_MODE) -> None:
        self.path: Path = segments.path
        self._segments = segments
        self._max_bytes = max_bytes
        self._mode = mode
        self._lock = write_lock(self.path)
        self._descriptor = -1
        self.rotated = threading.Event()

    def write(self, data: bytes) -> None:
        """Append whole lines. Raises NotWritten; what it names as written is whole lines as well."""
        written = 0
        try:
            make_directory(self.path.parent)
            with locked(self._lock):
                self._follow()
                while written < len(data):
                    part = self._next_part(data, written)
                    self._append(part)
                    written += len(part)
        except NotWritten as error:
            raise NotWritten(error, written + error.written) from None
        except OSError as error:
            raise NotWritten(error, written) from None

    def rotate_idle(self, seconds: float = 0.0) -> None:
        """Close a file that nobody has written to today, so that its age counts. For any thread.

        Raises OSError; BlockingIOError where another process holds its lock for so long, maybe for ever.
        Whoever writes next sees that the file has moved.
        """
        if self.idle_since():
            with suppress(FileNotFoundError), locked_within(self._lock, seconds):
                if written := self.idle_since():
                    os.rename(self.path, self._segments.fresh(written))

    def idle_since(self) -> float:
        """When it was last written to, in Unix seconds, if it is to be closed; else 0. Raises OSError."""
        if not self._max_bytes:
            return 0.0
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return 0.0
        old = there.st_size and there.st_mtime // DAY < time.time() // DAY
        return there.st_mtime if old else 0.0

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _follow(self) -> None:
        """Have the file open that is at the path now: others rotate, and directories go."""
        if self._descriptor >= 0 and not lies_at(self._descriptor, self.path):
            self.close()
        if self._descriptor < 0:
            self._descriptor = open_file(self.path, os.O_RDWR | os.O_APPEND, self._mode)

    def _next_part(self, data: bytes, begin: int) -> bytes:
        """As many of the lines as the file may still take; at least one, after a rotation if need be."""
        if not self._max_bytes:
            return data[begin:]
        status = os.fstat(self._descriptor)
        first = data.find(b"\n", begin) + 1 or len(data)
        old = status.st_mtime // DAY < time.time() // DAY
        if status.st_size and (old or status.st_size + first - begin > self._max_bytes):
            if not self._rotate():
                return data[begin:]
            status = os.fstat(self._descriptor)
        room = begin + self._max_bytes - status.st_size
        return data[begin : max(first, data.rfind(b"\n", begin, max(begin, room)) + 1)]

    def _rotate(self) -> bool:
        """Where that fails the lines go on into the file that there is: large is better than lost.

        A file of an earlier day is named after its last line, so that its age counts from there.
        """
        now, written = time.time(), os.fstat(self._descriptor).st_mtime
        try:
            os.rename(
                self.path, self._segments.fresh(written if written // DAY < now // DAY else now)
            )
        except OSError:
            return False
        self.close()
        self._follow()
        self.rotated.set()
        return True

    def _append(self, part: bytes) -> None:
        """Raises NotWritten, after what was written of a line has been taken back."""
        file, rest, done = self._descriptor, memoryview(part), 0
        begin = os.fstat(file).st_size
        try:
            if begin and os.pread(file, 1, begin - 1) != b"\n":  # somebody was killed in his line
                begin += os.write(file, b"\n")
            while done < len(part):
                done += os.write(file, rest[done:])
        except OSError as error:
            whole = part.rfind(b"\n", 0, done) + 1
            self._cut(begin + whole)
            raise NotWritten(error, whole) from None

    def _cut(self, length: int) -> None:
        with suppress(OSError):  # then the next one to write ends the line
            if os.fstat(self._descriptor).st_size > length:
                os.ftruncate(self._descriptor, length)
