"""The conversation that an exchange is a part of, as far as it can be read while somebody waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from usage.transcripts.conversation import Relatives, Step, join
from usage.transcripts.raw_lines import Progress, Report
from usage.transcripts.read import scan
from usage.transcripts.read_database import alike_in_database
from usage.transcripts.spool import in_time_order
from usage.transcripts.stored import Line

SPAN = 86_400.0
PATIENCE = 8.0
MOST_EXCHANGES, MOST_BYTES = 200, 64 * 2**20


class _Late(Exception):
    """Whoever waits has waited long enough."""


class Around:
    """Reads what was said within a day before and after; `left_out` says why it may not be all."""

    def __init__(self, directory: Path, line: Line, report: Report) -> None:
        self._directory = directory
        self._line = line
        self._relatives = Relatives(line)
        self._report = report
        self._patient_until = 0.0
        self.left_out = ""

    def steps(self) -> Iterator[Step]:
        """The exchanges by time, each with what it adds. Raises OSError."""
        return join(line for line in in_time_order(self._found()) if self._is_of_it(line))

    def _is_of_it(self, line: Line) -> bool:
        self.left_out = self.left_out or self._relatives.left_out
        return self._relatives.stays(line)

    def _found(self) -> Iterator[Line]:
        self._patient_until = time.monotonic() + PATIENCE
        number = size = 0

        def advance(done: int, whole: int) -> None:
            if time.monotonic() > self._patient_until:
                self.left_out = (
                    f"only {done / max(1, whole):.0%} of the files could be read in time"
                )
                raise _Late

        moment = self._line.head.time
        span = (moment - SPAN, moment + SPAN)
        try:
            for line in self._lines(*span, advance):
                yield line
                number, size = number + 1, size + len(line.data)
                if number >= MOST_EXCHANGES or size >= MOST_BYTES:
                    self.left_out = f"the first {number:,} exchanges are as much as a page holds"
                    return
        except _Late:
            return

    def _lines(self, since: float, until: float, advance: Progress) -> Iterator[Line]:
        """Each once, wherever it is kept."""
        wanted = self._relatives.takes
        seen = set()
        for line in alike_in_database(self._line, since, until):
            if time.monotonic() > self._patient_until:
                self.left_out = "only a part of the database could be read in time"
                raise _Late
            if wanted(line):
                seen.add(line.head.exchange_id)
                yield line
        if self._directory.is_dir():
            for line in scan([self._directory], since, until, wanted, advance, report=self._report):
                if line.head.exchange_id not in seen:
                    yield line
