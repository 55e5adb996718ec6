"""Where transcripts go: each sink has its own queue, thread and bounds, so that none waits for another.

A transcript is made once, by whichever sink comes to it first.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import msgspec

from proxyproject.log_file import NotWritten
from proxyproject.log_formats import JsonFormat
from proxyproject.log_pipe import Output
from usage.transcripts.capture import Capture
from usage.transcripts.database_writer import Away, TranscriptWriter

MOST_TOGETHER = 32
ENOUGH_TOGETHER = 32 * 2**10
"""Bytes of what was said; more of it is no sooner searched together."""
MOST_HELD = 64 * 2**20
"""Bytes of what was said that wait for a sink. What comes beyond is dropped and counted."""

log = logging.getLogger("patchbay.transcripts")


class Told(msgspec.Struct, gc=False, eq=False):
    """A Capture on its way to sinks, and its size. Its line is made when the first one needs it, and kept
    for the rest.
    """

    capture: Capture | None
    size: int
    line: bytes = b""

    def keep(self, line: bytes) -> None:
        """The line instead of the Capture, from now on."""
        self.line = line
        self.capture = None


class LineMaker:
    """Makes the lines of what was told; sinks have a thread each, and `write` is for one at a time."""

    def __init__(self, write: Callable[[list[Capture]], list[bytes]]) -> None:
        self._write = write
        self._making = threading.Lock()

    def together(self, waiting: Iterable[Told]) -> None:
        """Make those that are missing, some at a time. Where that fails, `line` tells which one it is."""
        with self._making:
            for batch in _batches(told for told in waiting if told.capture is not None):
                with suppress(Exception):
                    self._make(batch)

    def line(self, told: Told) -> bytes:
        if told.capture is not None:
            with self._making:
                self._make([told])
        return told.line

    def _make(self, batch: list[Told]) -> None:
        """But for those that another sink has made meanwhile."""
        missing = [told for told in batch if told.capture is not None]
        captures = [told.capture for told in missing if told.capture is not None]
        for told, line in zip(missing, self._write(captures), strict=True):
            told.keep(line)


def _batches(waiting: Iterable[Told]) -> Iterator[list[Told]]:
    """As many as are searched sooner together than one by one."""
    batch: list[Told] = []
    size = 0
    for told in waiting:
        batch.append(told)
        size += told.size
        if len(batch) >= MOST_TOGETHER or size >= ENOUGH_TOGETHER:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class Sink:
    """One place. `write` takes whole lines, and raises NotWritten; `make` makes them."""

    def __init__(
        self,
        name: str,
        write: Callable[[bytes], None],
        make: LineMaker,
        queue_size: int,
        flush_seconds: float,
    ) -> None:
        self._write = write
        self._make = make
        self.output: Output[Told] = Output(
            name,
            self._bring,
            self._encode,
            queue_size,
            flush_seconds,
            encode_gap=JsonFormat(),
            encode_all=self._encode_all,
        )
        self._came = self._went = self._made = 0  # bytes; each has one writer

    def put(self, told: Told) -> None:
        """Never waits and never raises."""
        if self._came - self._went + told.size > MOST_HELD:
            self.output.drop(1)
        elif self.output.put(told):
            self._came += told.size

    def _encode_all(self, waiting: list[Told]) -> list[bytes]:
        self._make.together(waiting)
        return [self._encode(told) for told in waiting]

    def _encode(self, told: Told) -> bytes:
        self._made += told.size
        try:
            return self._make.line(told)
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
