"""Is the log's directory well, and how large is the log? A thread looks, and tidies meanwhile."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from proxyproject.log_file import LogFile
from proxyproject.log_segments import Segments
from usage.log_lock import make_directory

LOOK_SECONDS = 60.0
SOON_SECONDS = 1.0
"""Until the next look while something is wrong."""
TIDY_SECONDS = 3600.0
WAIT_SECONDS = 0.5
MEGABYTE = 2**20

log = logging.getLogger("patchbay.logs")


class Health(NamedTuple):
    """What was seen. `problem` is "" where all is well; strangers may read it, so it names no path."""

    problem: str = ""
    bytes: int = 0
    files: int = 0


def problem_of(path: Path, min_free_mb: int) -> str:
    """Why the log at this path cannot go on, "" if it can. Makes its directory if need be."""
    try:
        make_directory(path.parent)
        room = os.statvfs(path.parent)
    except OSError as error:
        return f"the directory of the log cannot be used ({error.strerror})"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return "the directory of the log cannot be written"
    if path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
        return "the file of the log cannot be written"
    free = room.f_bavail * room.f_frsize // MEGABYTE
    if free < min_free_mb:
        return f"the log has {free} MB of free space, less than LOG_MIN_FREE_MB ({min_free_mb})"
    return ""


class Keeper:
    """Looks after the log of one process: every minute, and after each rotation.

    `failing` says why lines cannot be written now, "" if they can.
    """

    def __init__(
        self, file: LogFile, segments: Segments, min_free_mb: int, failing: Callable[[], str]
    ) -> None:
        self._file = file
        self._segments = segments
        self._min_free_mb = min_free_mb
        self._failing = failing
        self._tidy_at = 0.0
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.health = Health()

    def start(self) -> None:
        """Look after it in a thread from now on."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="patchbay-log-keeper", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._file.rotated.set()

    def look(self) -> Health:
        before = self.health.problem
        problem = problem_of(self._segments.path, self._min_free_mb)
        if not problem and self._failing():
            problem = f"the log cannot be written ({self._failing()})"
        self.health = Health(problem, *self._segments.size())
        if problem and not before:
            log.warning("%s", problem)
        return self.health

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._tidy()
                self._wait()
                if not self._stopping:
                    self.look()
            except Exception:
                log.exception("the log could not be looked after")
                time.sleep(SOON_SECONDS)

    def _wait(self) -> None:
        """Until it is time to look: after a rotation and when a write fails, at once."""
        began = time.monotonic()
        until = began + (SOON_SECONDS if self.health.problem else LOOK_SECONDS)
        while time.monotonic() < until:
            if self._file.rotated.wait(WAIT_SECONDS) or self._fails_anew():
                return

    def _fails_anew(self) -> bool:
        return bool(self._failing()) and not self.health.problem

    def _tidy(self) -> None:
        now = time.monotonic()
        if self._file.rotated.is_set() or now >= self._tidy_at:
            self._file.rotated.clear()
            self._tidy_at = now + TIDY_SECONDS
            try:
                self._file.rotate_idle()
                self._segments.tidy(time.time())
            except OSError as error:
                log.warning("the log could not be tidied: %s", error.strerror)
