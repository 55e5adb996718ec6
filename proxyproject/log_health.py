"""Is the directory of log files well, and how large are they? A thread looks, and tidies meanwhile."""

from __future__ import annotations

import errno
import logging
import os
import re
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from proxyproject.log_alarm import Alarm, Bell
from proxyproject.log_file import LogFile
from proxyproject.log_pipe import Output
from proxyproject.log_segments import Segments
from usage.log_lock import make_directory

LOOK_SECONDS = 60.0
SOON_SECONDS = 1.0
"""Until the next look while something is wrong."""
TIDY_SECONDS = 3600.0
WAIT_SECONDS = 0.5
MEGABYTE = 2**20
NO_ROOM = "Make room there, or set LOG_DIR to another directory."
NO_ACCESS = (
    "Let the user that Patchbay runs as ({user}) write there, or set LOG_DIR to another directory."
)

log = logging.getLogger("patchbay.logs")


class Problem(NamedTuple):
    """Why log files of `what` cannot go on, and what to do; `form` is "" where nothing stands in the way."""

    form: str = ""
    remedy: str = ""
    what: str = ""

    @property
    def text(self) -> str:
        """Strangers may read it, so it names no path."""
        return self.form.format(what=self.what)


class Health(NamedTuple):
    """What was seen."""

    problem: Problem = Problem()
    bytes: int = 0
    files: int = 0


class Place(NamedTuple):
    """Where log files of one kind are written: what they are, and the path of the live one."""

    what: str
    path: Path
    min_free_mb: int

    def problem(self) -> Problem:
        """What stands in the way. Makes the directory if need be."""
        directory = self.path.parent
        try:
            make_directory(directory)
            room = os.statvfs(directory)
        except OSError as error:
            return self._problem(f"the directory of the {{what}} cannot be used ({error.strerror})")
        if not os.access(directory, os.W_OK | os.X_OK):
            return self._problem("the directory of the {what} cannot be written")
        if self.path.exists() and not (self.path.is_file() and os.access(self.path, os.W_OK)):
            return self._problem("the file of the {what} cannot be written")
        free = room.f_bavail * room.f_frsize // MEGABYTE
        if free < self.min_free_mb:
            return self._problem(
                f"there are {free} MB of free space for the {{what}}, "
                f"less than LOG_MIN_FREE_MB ({self.min_free_mb})",
                NO_ROOM,
            )
        return Problem()

    def failed(self, error: OSError) -> Problem:
        """What a write that failed says."""
        code = NO_ROOM if error.errno in (errno.ENOSPC, errno.EDQUOT) else NO_ACCESS
        return self._problem(f"the {{what}} cannot be written ({error.strerror})", code)

    def _problem(self, form: str, remedy: str = NO_ACCESS) -> Problem:
        return Problem(form, remedy.format(user=os.geteuid()), self.what)

    def sentence(self, problem: Problem) -> str:
        """The problem for those who run the gateway."""
        return f"LOG_DIR is {str(self.path.parent)!r}; {problem.text}. {problem.remedy}"

    def advice(self, problem: Problem) -> str:
        """What to say behind a sentence on the problem."""
        return f". LOG_DIR is {str(self.path.parent)!r}. {problem.remedy}"

    def hint(self, error: OSError) -> str:
        """The same for a write that failed."""
        return self.advice(self.failed(error))


class Keeper:
    """Looks after log files of one kind, for one process: every minute, and after each rotation.

    `output` writes into them, if anything does. What is not in use at the start is looked after as
    soon as somebody calls `start`.
    """

    def __init__(
        self,
        place: Place,
        file: LogFile,
        segments: Segments,
        output: Output[Any] | None,
        in_use: bool = True,
    ) -> None:
        self.place = place
        self.in_use = in_use
        self._file = file
        self._segments = segments
        self.output = output
        self._alarm = Alarm("patchbay:")
        self._warned_of = Problem()
        self.share(Bell())
        self._tidy_at = 0.0
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.health = Health()

    def share(self, bell: Bell) -> None:
        """Let all that shares it say no more than one sentence at a time."""
        self._bell = bell
        if self.output is not None:
            self.output.lies_at(self.place.hint, bell)

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
        problem = self.place.problem()
        if problem.text:
            self._alarm.ring(self.place.sentence(problem), self._bell, self.place.advice(problem))
        else:
            self._alarm.over(f"the {self.place.what} can be written again")
            if (error := self._failing()) is not None:  # of which its output has rung
                problem = self.place.failed(error)
        self.health = Health(problem, *self._segments.size())
        self._warn(problem)
        return self.health

    def _warn(self, problem: Problem) -> None:
        """Once of each problem; where another of the directory was just told of, a little later."""
        if problem._replace(form=_alike(problem.form)) == self._warned_of:
            return
        if not problem.text or self._bell.is_time("log", self.place.advice(problem)):
            self._warned_of = problem._replace(form=_alike(problem.form))
            if problem.text:
                log.warning("%s", self.place.sentence(problem))

    def _failing(self) -> OSError | None:
        return None if self.output is None else self.output.error

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
        until = began + (SOON_SECONDS if self.health.problem.text else LOOK_SECONDS)
        while time.monotonic() < until:
            if self._file.rotated.wait(WAIT_SECONDS) or self._fails_anew():
                return

    def _fails_anew(self) -> bool:
        return self._failing() is not None and not self.health.problem.text

    def _tidy(self) -> None:
        now = time.monotonic()
        if self._file.rotated.is_set() or now >= self._tidy_at:
            self._file.rotated.clear()
            self._tidy_at = now + TIDY_SECONDS
            try:
                with suppress(BlockingIOError):
                    self._file.rotate_idle()
                self._segments.tidy(time.time())
            except OSError as error:
                log.warning("the log could not be tidied: %s", error.strerror)


def _alike(form: str) -> str:
    """But for its numbers: how much is free is not another problem."""
    return re.sub(r"[0-9]+", "", form)


def told_together(keepers: Iterable[Keeper]) -> list[str]:
    """Their problems, where one of a directory is one however much is kept there."""
    found: dict[tuple[Path, str], Problem] = {}
    for keeper in keepers:
        problem = keeper.health.problem
        key = keeper.place.path.parent, _alike(problem.form)
        if key in found:
            problem = problem._replace(what=f"{found[key].what} and the {problem.what}")
        found[key] = problem
    return [problem.text for problem in found.values() if problem.text]
