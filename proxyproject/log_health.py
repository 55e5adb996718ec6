"""Is the directory of log files well, and how large are they? A thread looks, and tidies meanwhile."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from proxyproject.log_alarm import Alarm
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


class Problem(NamedTuple):
    """Why log files cannot go on, and what to do. `text` is for strangers too, so it names no path."""

    text: str = ""
    remedy: str = ""


class Place(NamedTuple):
    """Where log files of one kind are written: what they are, and the path of the live one."""

    what: str
    path: Path
    min_free_mb: int

    def problem(self) -> Problem:
        """What stands in the way. Makes the directory if need be."""
        directory = self.path.parent
        access = (
            f"Let the user that Patchbay runs as ({os.geteuid()}) write there, "
            "or set LOG_DIR to another directory."
        )
        try:
            make_directory(directory)
            room = os.statvfs(directory)
        except OSError as error:
            return Problem(
                f"the directory of the {self.what} cannot be used ({error.strerror})", access
            )
        if not os.access(directory, os.W_OK | os.X_OK):
            return Problem(f"the directory of the {self.what} cannot be written", access)
        if self.path.exists() and not (self.path.is_file() and os.access(self.path, os.W_OK)):
            return Problem(f"the file of the {self.what} cannot be written", access)
        free = room.f_bavail * room.f_frsize // MEGABYTE
        if free < self.min_free_mb:
            return Problem(
                f"there are {free} MB of free space for the {self.what}, "
                f"less than LOG_MIN_FREE_MB ({self.min_free_mb})",
                "Make room there, or set LOG_DIR to another directory.",
            )
        return Problem()

    def sentence(self, problem: Problem) -> str:
        """The problem for those who run the gateway."""
        return f"LOG_DIR is {str(self.path.parent)!r}; {problem.text}. {problem.remedy}"


class Keeper:
    """Looks after log files of one kind, for one process: every minute, and after each rotation.

    `failing` says that lines cannot be written now, "" if they can. What is not in use at the
    start is looked after as soon as somebody calls `start`.
    """

    def __init__(
        self,
        place: Place,
        file: LogFile,
        segments: Segments,
        failing: Callable[[], str],
        in_use: bool = True,
    ) -> None:
        self.place = place
        self.in_use = in_use
        self._file = file
        self._segments = segments
        self._failing = failing
        self._alarm = Alarm("patchbay:")
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
        problem = self.place.problem()
        self.health = Health(problem.text or self._failing(), *self._segments.size())
        if problem.text:
            self._alarm.ring(self.place.sentence(problem))
        else:
            self._alarm.over(f"the {self.place.what} can be written again")
        if self.health.problem and not before:
            log.warning("%s", self.place.sentence(problem) if problem.text else self.health.problem)
        return self.health

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._tidy()
                self.look()
                self._wait()
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
                self._file.rotate_idle(wait=False)
                self._segments.tidy(time.time())
            except OSError as error:
                log.warning("the log could not be tidied: %s", error.strerror)
