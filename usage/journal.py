"""Append what happens to exchanges to this worker's journal, for the books to take over.

Every entry is one write of the whole Record as it would stand if the process died now, so the
last entry of an exchange is all that is ever needed of it. Nothing here raises into a request,
waits, or touches the database.
"""

from __future__ import annotations

import logging
import os
import time
import zlib
from collections import deque
from pathlib import Path

import msgspec

from usage.fit import fit_value
from usage.frames import ATTEMPT, BEGIN, CHECKPOINT, COUNTED, END, MOST_BODY, PREFIX
from usage.record import Record
from usage.segments import (
    OWNER_ONLY,
    Lock,
    bytes_after,
    lock_path,
    read_position,
    segment_path,
    segments,
)

SEGMENT_BYTES = 8 * 2**20
SEGMENT_SECONDS = 30.0
RETRY_SECONDS = 0.5
MOST_KEPT = 10_000
"""Ends kept in memory while the disk takes nothing, about 5 MB."""
ID_AT = PREFIX.size + 1
RECORD_AT = ID_AT + 16
LONGEST_TEXT = 200
UNENCODABLE = (ValueError, TypeError, OverflowError, msgspec.MsgspecError)

log = logging.getLogger("patchbay.books")


class Journal:
    """One worker's journal. Made by `open`; used from one thread.

    `entries` counts what was to be written, `failures` the writes that failed, `lost` the ends
    that could not even be kept in memory.
    """

    def __init__(
        self,
        directory: Path,
        worker: str,
        lock: Lock,
        segment_bytes: int,
        segment_seconds: float,
    ) -> None:
        self._directory = directory
        self._worker = worker
        self._lock = lock
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        self._encoder = msgspec.msgpack.Encoder()
        self._buffer = bytearray(1024)
        self._kept: deque[bytes] = deque()
        self._failing = False
        self._stuck = False
        self._retry_at = 0.0
        self._number = 0
        self._size = 0
        self._rotate_bytes = 0
        self._rotate_at = 0.0
        self._file = -1
        self.entries = 0
        self.failures = 0
        self.lost = 0
        self._next_segment()

    @classmethod
    def open(
        cls,
        directory: Path,
        worker: str,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
    ) -> Journal:
        """Begin the journal of a worker that has none; its name must be new with every start."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if lock_path(directory, worker).exists() or segments(directory, worker):
            raise FileExistsError(f"{directory} already holds a journal of worker {worker}.")
        lock = Lock.take(directory, worker)
        while lock is None:  # a sibling took it for the leavings of a dead worker and removes it
            lock = Lock.take(directory, worker)
        return cls(directory, worker, lock, segment_bytes, segment_seconds)

    def begin(self, record: Record) -> None:
        """The exchange is admitted, and about to be sent to its first provider."""
        self._append(BEGIN, record)

    def attempt(self, record: Record) -> None:
        """The exchange is about to be sent to another provider."""
        self._append(ATTEMPT, record)

    def checkpoint(self, record: Record) -> None:
        """The exchange goes on."""
        self._append(CHECKPOINT, record)

    def end(self, record: Record, rollup_only: bool = False) -> None:
        """The exchange is over; `rollup_only` keeps no record of its own, only the sums."""
        self._append(COUNTED if rollup_only else END, record)

    def close_old_segment(self) -> None:
        """Go on in a new segment where this one is old. To be called now and then.

        Without it the names in a segment would stay on disk, and the ends that a full disk did not
        take in memory, until a later entry comes, if one does.
        """
        if self.writable and time.monotonic() >= self._rotate_at:
            self._rotate()

    @property
    def writable(self) -> bool:
        """Whether the disk takes entries; while it does not, asking tries again."""
        if self._failing and time.monotonic() >= self._retry_at:
            self._write_kept()
        return not self._failing

    @property
    def backlog(self) -> int:
        """Entries that are not in the database yet."""
        return self.entries - read_position(self._directory, self._worker).entries

    def close(self) -> None:
        """Let go; a journal that is wholly in the database is removed. The writer stops first."""
        if self._failing:
            self._write_kept()
        os.close(self._file)
        position = read_position(self._directory, self._worker)
        behind = bytes_after(self._directory, self._worker, position)
        if not (self._failing or position.open or behind):
            for number in segments(self._directory, self._worker):
                segment_path(self._directory, self._worker, number).unlink(missing_ok=True)
            self._lock.remove()
        self._lock.close()

    def _append(self, kind: int, record: Record) -> None:
        buffer = self._buffer
        try:
            self._encoder.encode_into(record, buffer, RECORD_AT)
            if len(buffer) - PREFIX.size > MOST_BODY:
                self._encode_fitted(record)
        except UNENCODABLE:
            self._encode_fitted(record)
        buffer[PREFIX.size] = kind
        buffer[ID_AT:RECORD_AT] = record.exchange_id
        with memoryview(buffer) as view:
            checksum = zlib.crc32(view[PREFIX.size :])
        PREFIX.pack_into(buffer, 0, len(buffer) - PREFIX.size, checksum)
        self.entries += 1
        if self._failing:
            self._keep(kind)
        else:
            self._write(kind)

    def _encode_fitted(self, record: Record) -> None:
        """For what cannot be encoded as it is: cut every value to size first."""
        values = [fit_value(value, LONGEST_TEXT) for value in msgspec.structs.astuple(record)]
        self._encoder.encode_into(values, self._buffer, RECORD_AT)

    def _write(self, kind: int) -> None:
        buffer = self._buffer
        try:
            written = os.write(self._file, buffer)
            if written != len(buffer):
                os.ftruncate(self._file, self._size)
                raise OSError(f"only {written} of {len(buffer)} bytes were written")
        except OSError as error:
            self._fail(error)
            return self._keep(kind)
        self._size += written
        if self._size >= self._rotate_bytes or time.monotonic() >= self._rotate_at:
            self._rotate()

    def _fail(self, error: OSError) -> None:
        self.failures += 1
        self._retry_at = time.monotonic() + RETRY_SECONDS
        if not self._failing:
            log.error("The journal of usage cannot be written: %s", error)
        self._failing = True

    def _keep(self, kind: int) -> None:
        """Hold an end in memory until the disk is back; entries on the way to it can be missed."""
        if kind not in (END, COUNTED):
            self.entries -= 1
        elif len(self._kept) < MOST_KEPT:
            self._kept.append(bytes(self._buffer))
        else:
            self.entries -= 1
            self._lose()
        if time.monotonic() >= self._retry_at:
            self._write_kept()

    def _lose(self) -> None:
        if self.lost == 0:
            log.error(
                "Records are lost: the journal of usage cannot be written, and memory is full."
            )
        self.lost += 1

    def _write_kept(self) -> None:
        """Try the disk again with what was kept, oldest first."""
        try:
            while self._kept:
                frame = self._kept[0]
                if os.write(self._file, frame) != len(frame):
                    os.ftruncate(self._file, self._size)
                    raise OSError("the disk is full")
                self._size += len(frame)
                self._kept.popleft()
        except OSError as error:
            return self._fail(error)
        self._failing = False
        log.warning("The journal of usage is written again.")

    def _rotate(self) -> None:
        """Go on in a new segment; the writer removes this one when the database has it all."""
        if self._size == 0:
            self._rotate_at = time.monotonic() + self._segment_seconds
            return
        finished = self._file
        try:
            self._next_segment()
        except OSError as error:
            if not self._stuck:
                log.warning("No new segment for the journal of usage: %s", error)
            self._stuck = True
            self._rotate_at = time.monotonic() + RETRY_SECONDS
            self._rotate_bytes = self._size + self._segment_bytes
            return
        self._stuck = False
        os.close(finished)

    def _next_segment(self) -> None:
        path = segment_path(self._directory, self._worker, self._number + 1)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, OWNER_ONLY)
        self._number += 1
        self._size = 0
        self._rotate_bytes = self._segment_bytes
        self._rotate_at = time.monotonic() + self._segment_seconds
