"""What one process writes its log to, put together from the settings: standard output, and the file."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured

from proxyproject.log_alarm import Bell
from proxyproject.log_file import LogFile, NotWritten
from proxyproject.log_formats import encoder
from proxyproject.log_health import Keeper, Place, told_together
from proxyproject.log_pipe import Output, last_first
from proxyproject.log_segments import Limits, Segments
from proxyproject.log_watch import Watch
from routing.log_lines import Line, LogState

STDOUT = 1
STOP_SECONDS = 5.0
"""For all that waits at the end of a process together."""
RESERVE_SECONDS = 1.0
"""Of these, what each step of the end leaves to the next one."""
OFF = "off"
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    OFF: logging.CRITICAL + 1,
}


class Options(NamedTuple):
    """The settings of the log; docs/reference/settings.md says what each means."""

    level: str
    format: str
    file_level: str
    file_format: str
    directory: Path
    file_name: str
    max_bytes: int
    backup_count: int
    max_age_days: float
    compress: bool
    min_free_mb: int
    on_unhealthy: str
    queue_size: int
    flush_seconds: float

    @property
    def segments(self) -> Segments:
        return Segments(self.directory / self.file_name, self.limits)

    @property
    def place(self) -> Place:
        return Place("log", self.directory / self.file_name, self.min_free_mb)

    @property
    def limits(self) -> Limits:
        return Limits(self.backup_count, self.max_age_days, self.compress)


class Outputs:
    """The log's outputs. Lines may come from any thread; files and threads begin with the first one."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._all: list[tuple[int, Output[Line]]] = []
        self._others: list[Output[Any]] = []
        self._keepers: list[Keeper] = []
        self._bell = Bell()
        self._watch = Watch(lambda: self._every)
        self._end_at = 0.0
        if options.level != OFF:
            colour = os.isatty(STDOUT) and not os.environ.get("NO_COLOR")
            self._add("stdout", write_stdout, options.level, options.format, colour)
        if options.file_level != OFF:
            segments = options.segments
            file = LogFile(segments, options.max_bytes)
            output = self._add("file", file.write, options.file_level, options.file_format, False)
            self._keepers = [Keeper(options.place, file, segments, output)]
            self._keepers[0].share(self._bell)

    def _add(
        self, name: str, sink: Callable[[bytes], None], level: str, form: str, colour: bool
    ) -> Output[Line]:
        options, encode = self.options, encoder(form, colour)
        output: Output[Line] = Output(
            name,
            sink,
            encode,
            options.queue_size,
            options.flush_seconds,
            encode_gap=encode,
            encode_all=encode.all,
        )
        self._all.append((LEVELS[level], output))
        return output

    def also(self, outputs: Iterable[Output[Any]], keeper: Keeper) -> None:
        """Count, flush, look after and stop these with the log's own; its lines do not go there."""
        self._others.extend(outputs)
        self._keepers.append(keeper)
        if keeper.place.path.parent == self.options.directory:
            keeper.share(self._bell)

    def without(self, outputs: Iterable[Output[Any]], keeper: Keeper) -> None:
        for output in outputs:
            self._others.remove(output)
        self._keepers.remove(keeper)

    @property
    def _every(self) -> list[Output[Any]]:
        """Those that wait for nobody come last."""
        return [*(output for _, output in self._all), *self._others]

    @property
    def level(self) -> int:
        """The least that any output shows."""
        return min((level for level, _ in self._all), default=LEVELS[OFF])

    @property
    def write(self) -> Callable[[Line], object] | None:
        """Takes a line of level info; None where no output shows it."""
        puts = [output.put for level, output in self._all if level <= logging.INFO]
        if not puts:
            return None
        if len(puts) == 1:
            return puts[0]
        first, second = puts

        def both(line: Line) -> None:
            first(line)
            second(line)

        return both

    def put(self, level: int, line: dict[str, Any]) -> None:
        for least, output in self._all:
            if level >= least:
                output.put(line)

    def start(self) -> None:
        """For a process that serves: threads now, not with the first line, and somebody who looks.

        Raises ImproperlyConfigured where the log is not well, and that is to stop the start.
        """
        self.check()
        self._end_at = 0.0
        for _, output in self._all:
            output.start()
        for keeper in self._keepers:
            if keeper.in_use:
                keeper.look()
                keeper.start()
        self._watch.start()

    def check(self, *others: Place) -> None:
        """Raises ImproperlyConfigured where log files are not well, and that is to stop the start.

        `others` are places of files that nobody has named yet (`also`).
        """
        if self.options.on_unhealthy != "stop":
            return
        places = [keeper.place for keeper in self._keepers if keeper.in_use]
        found = [(place, place.problem()) for place in (*places, *others)]
        wrong = [place.sentence(problem) for place, problem in found if problem.text]
        if wrong:
            lines = "\n  ".join(f"{each} LOG_ON_UNHEALTHY=warn starts anyway." for each in wrong)
            raise ImproperlyConfigured(f"The settings are wrong:\n  {lines}")

    def state(self) -> LogState:
        outputs, seen = self._every, [keeper.health for keeper in self._keepers]
        told = {keeper.output for keeper in self._keepers if keeper.health.problem.text}
        rest = (each.trouble for each in outputs if not (each.problem and each in told))
        problems = [*told_together(self._keepers), *rest]
        return LogState(
            written={output.name: output.written for output in outputs},
            dropped={output.name: output.dropped for output in outputs},
            bytes=sum(each.bytes for each in seen),
            files=sum(each.files for each in seen),
            problem="; ".join(dict.fromkeys(filter(None, problems))),
        )

    def seconds_left(self, reserve: float = 0.0) -> float:
        """Of the time that the end of the process may take, which runs from the first call after `start`."""
        now = time.monotonic()
        self._end_at = self._end_at or now + STOP_SECONDS
        return max(0.0, self._end_at - reserve - now)

    def flush(self, timeout: float = STOP_SECONDS) -> None:
        """Wait until what was said so far is written, within a bound for all outputs together."""
        until = time.monotonic() + timeout
        for output in last_first(self._every):
            output.flush(until - time.monotonic())

    def stop(self, timeout: float | None = None) -> None:
        """Write what waits, within a bound; without a timeout, in what is left for the end."""
        self._watch.stop()
        for keeper in self._keepers:
            keeper.stop()
        seconds = max(self.seconds_left(), RESERVE_SECONDS) if timeout is None else timeout
        until = time.monotonic() + seconds
        for output in last_first(self._every):
            output.stop(until - time.monotonic())


def write_stdout(data: bytes) -> None:
    """Raises NotWritten."""
    done = 0
    try:
        while done < len(data):
            done += os.write(STDOUT, memoryview(data)[done:])
    except OSError as error:
        raise NotWritten(error, done) from None
