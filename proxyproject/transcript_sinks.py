"""Where transcripts go: each sink has its own queue, thread and bounds, so that none waits for another.

A transcript is made once, by whichever sink comes to it first.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable

from proxyproject.log_file import NotWritten
from proxyproject.log_formats import JsonFormat
from proxyproject.log_pipe import Output
from usage.transcripts.capture import Capture
from usage.transcripts.database_writer import Away, TranscriptWriter

MOST_HELD = 64 * 2**20
"""Bytes of what was said that wait for a sink. What comes beyond is dropped and counted."""

log = logging.getLogger("patchbay.transcripts")


class Told:
    """A Capture on its way to sinks. Its line is made when the first one needs it, and kept for the rest."""

    __slots__ = ("_capture", "_line", "size")

    def __init__(self, capture: Capture) -> None:
        self._capture: Capture | None = capture
        self._line = b""
        self.size = capture.size

    def line(self, write: Callable[[Capture], bytes]) -> bytes:
        """To be called by one thread at a time."""
        if self._capture is not None:
            self._line = write(self._capture)
            self._capture = None
        return self._line


class Sink:
    """One place. `write` takes whole lines, and raises NotWritten; `line` makes one."""

    def __init__(
        self,
        name: str,
        write: Callable[[bytes], None],
        line: Callable[[Told], bytes],
        queue_size: int,
        flush_seconds: float,
    ) -> None:
        self._write = write
        self._line = line
        self.output: Output[Told] = Output(
            name, self._bring, self._encode, queue_size, flush_seconds, encode_gap=JsonFormat()
        )
        self._came = self._went = self._made = 0  # bytes; each has one writer

    def put(self, told: Told) -> None:
        """Never waits and never raises."""
        if self.output.full or self._came - self._went + told.size > MOST_HELD:
            return self.output.drop(1)
        self._came += told.size
        return self.output.put(told)

    def _encode(self, told: Told) -> bytes:
        self._made += told.size
        try:
            return self._line(told)
        except Exception as error:  # noqa: BLE001 — the thread goes on with the next one
            log.error("a transcript could not be made (%s)", type(error).__name__)
            self._count_lost(1)
            return b""

    def _count_lost(self, count: int) -> None:
        """What the output takes for written, and is not."""
        self.output.drop(count)
        self.output.written -= count

    def _bring(self, data: bytes) -> None:
        self._write(data)
        self._went, self._made = self._went + self._made, 0


def into_database(writer: TranscriptWriter) -> Callable[[bytes], None]:
    """What writes lines to the database, as an Output wants it."""

    def write(data: bytes) -> None:
        try:
            writer.write(data)
        except Away:
            # at the end it is waited for: that a database comes back is likelier than that a disk does
            away = OSError(errno.EAGAIN, "the database takes nothing now")
            raise NotWritten(away, 0) from None

    return write
