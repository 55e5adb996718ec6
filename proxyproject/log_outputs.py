"""What one process writes its log to, put together from the settings: standard output, and the file."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured

from proxyproject.log_file import LogFile, NotWritten
from proxyproject.log_formats import encoder
from proxyproject.log_health import Health, Keeper, problem_of
from proxyproject.log_pipe import Line, Output
from proxyproject.log_segments import Limits, Segments
from routing.log_lines import LogState

STDOUT = 1
STOP_SECONDS = 5.0
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
    def limits(self) -> Limits:
        return Limits(self.backup_count, self.max_age_days, self.compress)


class Outputs:
    """The log's outputs. Lines may come from any thread; files and threads begin with the first one."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._all: list[tuple[int, Output[Line]]] = []
        self._others: list[Output[Any]] = []
        self._keeper: Keeper | None = None
        if options.level != OFF:
            colour = os.isatty(STDOUT) and not os.environ.get("NO_COLOR")
            self._add("stdout", write_stdout, options.level, options.format, colour)
        if options.file_level != OFF:
            segments = options.segments
            file = LogFile(segments, options.max_bytes)
            output = self._add("file", file.write, options.file_level, options.file_format, False)
            self._keeper = Keeper(file, segments, options.min_free_mb, lambda: output.problem)

    def _add(
        self, name: str, sink: Callable[[bytes], None], level: str, form: str, colour: bool
    ) -> Output[Line]:
        options, encode = self.options, encoder(form, colour)
        output: Output[Line] = Output(
            name, sink, encode, options.queue_size, options.flush_seconds, encode_gap=encode
        )
        self._all.append((LEVELS[level], output))
        return output

    def also(self, output: Output[Any]) -> None:
        """Count, flush and stop this one with the log's own; lines of the log do not go there."""
        self._others.append(output)

    def without(self, output: Output[Any]) -> None:
        self._others.remove(output)

    @property
    def _every(self) -> list[Output[Any]]:
        """Those that wait for nobody come last."""
        return [*(output for _, output in self._all), *self._others]

    @property
    def level(self) -> int:
        """The least that any output shows."""
        return min((level for level, _ in self._all), default=LEVELS[OFF])

    @property
    def write(self) -> Callable[[Line], None] | None:
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
        for _, output in self._all:
            output.start()
        if self._keeper is not None:
            self._keeper.look()
            self._keeper.start()

    def check(self) -> None:
        """Raises ImproperlyConfigured where the log is not well, and that is to stop the start."""
        options = self.options
        if self._keeper is None or options.on_unhealthy != "stop":
            return
        problem = problem_of(options.directory / options.file_name, options.min_free_mb)
        if problem:
            raise ImproperlyConfigured(
                "The settings are wrong:\n"
                f"  LOG_DIR is {str(options.directory)!r}; {problem}. LOG_ON_UNHEALTHY=warn starts anyway."
            )

    def state(self) -> LogState:
        health = self._keeper.health if self._keeper is not None else Health()
        outputs = self._every
        failing = next((output.problem for output in outputs if output.problem), "")
        return LogState(
            written={output.name: output.written for output in outputs},
            dropped={output.name: output.dropped for output in outputs},
            bytes=health.bytes,
            files=health.files,
            problem=health.problem or (failing and f"the log cannot be written ({failing})"),
        )

    def flush(self, timeout: float = STOP_SECONDS) -> None:
        """Wait until what was said so far is written, within a bound for all outputs together."""
        until = time.monotonic() + timeout
        for output in self._every:
            output.flush(until - time.monotonic())

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Write what waits; the file first, which waits for nobody."""
        if self._keeper is not None:
            self._keeper.stop()
        until = time.monotonic() + timeout
        for output in reversed(self._every):
            output.stop(until - time.monotonic())


def write_stdout(data: bytes) -> None:
    """Raises NotWritten."""
    done = 0
    try:
        while done < len(data):
            done += os.write(STDOUT, memoryview(data)[done:])
    except OSError as error:
        raise NotWritten(error, done) from None
