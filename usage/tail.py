"""Read one worker's journal from disk, in order, and remove what the database has.

A read gives a Batch; nothing is taken for granted until it is accepted, so a Batch that the
database refused is simply read again. What it holds in memory is the last entry of each exchange
that has begun and not ended.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import msgspec

from usage.frames import COUNTED, END, MOST_BODY, Damage, Split, split
from usage.record import Record
from usage.segments import OWNER_ONLY, Position, read_position, segment_path, segments
from usage.segments import write_position as keep_position

READ_BYTES = 2 * MOST_BODY

_record = msgspec.msgpack.Decoder(Record)
_records = msgspec.msgpack.Decoder(list[Record])


class Batch(NamedTuple):
    """What one read found.

    `ended` are to be recorded, `counted` only summed up; `touched` are the exchanges that an
    entry was about, with their last one, or None where it was the end. `entries` counts those
    that no earlier reader has taken over.
    """

    ended: list[Record]
    counted: list[Record]
    touched: dict[bytes, bytes | None]
    entries: int
    unreadable: list[bytes]
    damage: list[Damage]
    segment: int
    offset: int


class Tail:
    """Follows one worker's journal. `alive` says that more may be written to its last segment."""

    def __init__(self, directory: Path, worker: str, alive: bool) -> None:
        self._directory = directory
        self._worker = worker
        self._alive = alive
        self._kept = read_position(directory, worker)
        self._open: dict[bytes, tuple[int, bytes]] = {}
        self._finished = 0
        self.position = Position(entries=self._kept.entries)
        self.damaged = 0

    def read(self) -> Batch | None:
        """The next entries; None where there are none yet."""
        self._finished = 0
        numbers = [n for n in segments(self._directory, self._worker) if n >= self.position.segment]
        for index, number in enumerate(numbers):
            here = number == self.position.segment
            finished = not self._alive or index + 1 < len(numbers)
            offset = self.position.offset if here else 0
            found = self._split(number, offset, finished)
            if found.used:
                return self._batch(found, number, offset)
        self._finished = numbers[-1] if len(numbers) > 1 else 0
        return None

    def _split(self, number: int, offset: int, finished: bool) -> Split:
        data = self._bytes(number, offset)
        whole = len(data) < READ_BYTES
        found = split(data, last=finished and whole)
        if found.used or whole:
            return found
        lost = len(data) - MOST_BODY  # nothing good in a piece that must hold a whole frame
        return Split([], lost, [Damage(0, lost)])

    def _bytes(self, number: int, offset: int) -> bytes:
        with segment_path(self._directory, self._worker, number).open("rb", buffering=0) as file:
            return os.pread(file.fileno(), READ_BYTES, offset)

    def _batch(self, found: Split, number: int, offset: int) -> Batch:
        ended: list[bytes] = []
        counted: list[bytes] = []
        touched: dict[bytes, bytes | None] = {}
        entries = 0
        for kind, exchange_id, record, end in found.frames:
            touched[exchange_id] = None if kind >= END else record
            if kind == END:
                ended.append(record)
            if (number, offset + end) > self._kept.place:
                entries += 1
                if kind == COUNTED:  # has no row whose id would keep it from being added twice
                    counted.append(record)
        damage = [Damage(offset + start, offset + end) for start, end in found.damage]
        unreadable: list[bytes] = []
        return Batch(
            decoded(ended, unreadable),
            decoded(counted, unreadable),
            touched,
            entries,
            unreadable,
            damage,
            number,
            offset + found.used,
        )

    def accept(self, batch: Batch) -> None:
        """The database has this Batch: go on behind it, and remove segments that nobody needs."""
        for damage in batch.damage:
            self._set_aside(batch.segment, damage)
        for content in batch.unreadable:
            self.damaged += 1
            set_aside(self._directory / f"{self._worker}.bad", content)
        for exchange_id, record in batch.touched.items():
            if record is None:
                self._open.pop(exchange_id, None)
            else:
                self._open[exchange_id] = (batch.segment, record)
        entries = self.position.entries + batch.entries
        self.position = Position(batch.segment, batch.offset, entries, len(self._open))
        if self.position.place > self._kept.place:
            keep_position(self._directory, self._worker, self.position)
        self._remove_needless(batch.segment)

    def remove_finished(self) -> None:
        """Remove segments that nobody needs, if the last read found nothing.

        It saw the newest of its segments before it read the others to their end, so nothing is
        added to those. What is newer still may follow an entry that was not read.
        """
        self._remove_needless(self._finished)

    def open_records(self) -> list[Record]:
        """The last word on each exchange that has not ended."""
        return decoded([record for _, record in self._open.values()], [])

    def remove(self) -> None:
        """The database has everything: the journal goes."""
        for number in segments(self._directory, self._worker):
            segment_path(self._directory, self._worker, number).unlink(missing_ok=True)

    def _remove_needless(self, accepted: int) -> None:
        """Those before a segment up to which all is accepted, but for the sake of open exchanges."""
        self._remove_until(min([accepted, *(number for number, _ in self._open.values())]))

    def _remove_until(self, needed: int) -> None:
        """In order, oldest first: an entry must never outlive a later one of the same exchange."""
        for number in segments(self._directory, self._worker):
            if number >= needed:
                break
            segment_path(self._directory, self._worker, number).unlink(missing_ok=True)

    def _set_aside(self, number: int, damage: Damage) -> None:
        """Keep bytes that are no entry for whoever wants to look into it."""
        self.damaged += 1
        with segment_path(self._directory, self._worker, number).open("rb") as file:
            content = os.pread(file.fileno(), damage.end - damage.start, damage.start)
        set_aside(self._directory / f"{self._worker}-{number:08d}.bad", content)


def set_aside(path: Path, content: bytes) -> None:
    """Append to a file that only its owner reads."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    descriptor = os.open(path, flags, OWNER_ONLY)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)


def decoded(contents: list[bytes], unreadable: list[bytes]) -> list[Record]:
    """Many records by one call; those that do not decode are added to `unreadable`."""
    try:
        return _records.decode(b"\xdd" + len(contents).to_bytes(4) + b"".join(contents))
    except msgspec.MsgspecError:
        records = []
    for content in contents:
        try:
            records.append(_record.decode(content))
        except msgspec.MsgspecError:
            unreadable.append(content)
    return records
