"""Passages in the database: which transcripts wait for theirs, and writing them in its own form."""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from usage.models import Embedding, Passage, Transcript
from usage.store import Store
from usage.transcripts import indexes

TRANSCRIPTS = Transcript._meta.db_table
EMBEDDINGS = Embedding._meta.db_table
PASSAGES = Passage._meta.db_table
FORGOTTEN_AT_ONCE = 200
MOST_READ = 8 * 2**20
"""Bytes of packed lines that are read at once, where one alone is not larger."""
TINY = 1e-30
"""What is smaller has no place in a number of four bytes."""

Vector = Sequence[float]


class Placed(NamedTuple):
    """A vector and where its piece stands in the transcript."""

    position: int
    vector: Vector


def mark(model: str, vector: Vector | None = None) -> str:
    """What is noted of a model and the length of its vectors, for others do not compare; or how it begins."""
    return f"{model} " if vector is None else f"{model} {len(vector)}"


class PassageTable:
    """The table in one database, through one store, for one model. `array` where vectors are arrays."""

    def __init__(self, store: Store, model: str, array: bool) -> None:
        self._store = store
        self._model = model
        self._array = array

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """What a database raises for rows that it will never take."""
        return self._store.refusals

    def forget_others(self, size: int | None) -> bool:
        """Drop what another model has made, a few at a time: they are to be made anew.

        So is what this one has made of another length, where `size` is known. Returns whether all of it
        is gone; then those transcripts wait again.
        """
        kept = [mark(self._model), mark(self._model, ())]
        where, values = "substr(made_with, 1, %s) <> %s", [len(kept[0]), kept[0]]
        if size is not None:
            where, values = "made_with NOT IN (%s, %s)", [f"{kept[0]}{size}", kept[1]]
        with self._store.transaction():
            rows = self._store.query(
                f"SELECT transcript_id FROM {EMBEDDINGS} WHERE {where} LIMIT %s",  # noqa: S608 — ours
                [*values, FORGOTTEN_AT_ONCE],
            )
            for (number,) in rows:
                self._drop(number)
                self._mark(number, None)
        return len(rows) < FORGOTTEN_AT_ONCE

    def has_vectors(self) -> bool:
        """Whether anything was embedded, once what others have made is gone."""
        rows = self._store.query(
            f"SELECT 1 FROM {EMBEDDINGS} WHERE made_with <> %s LIMIT 1",  # noqa: S608 — ours
            [mark(self._model, ())],
        )
        return bool(rows)

    def in_the_way(self, size: int) -> str:
        """A sentence about an index that does not take vectors of this length; "" where none is."""
        if not self._array:
            return ""
        rows = self._store.query(indexes.OTHERS, indexes.others(size))
        return next((indexes.in_the_way(name, length, size) for name, length in rows), "")

    def exchange_id(self, number: int) -> str:
        """By which people know a transcript; "" where it is gone."""
        rows = self._store.query(
            f"SELECT exchange_id FROM {TRANSCRIPTS} WHERE number = %s",  # noqa: S608 — ours
            [number],
        )
        return str(UUID(str(rows[0][0]))) if rows else ""

    def present(self, numbers: Collection[int]) -> set[int]:
        """Those transcripts of these that are there still."""
        if not numbers:
            return set()
        places = ", ".join(["%s"] * len(numbers))
        rows = self._store.query(
            f"SELECT number FROM {TRANSCRIPTS} WHERE number IN ({places})",  # noqa: S608 — ours
            [*numbers],
        )
        return {int(number) for (number,) in rows}

    def count_waiting(self, most: int) -> int:
        """How many are to be embedded, counted up to so many."""
        [(count,)] = self._store.query(
            f"SELECT count(*) FROM (SELECT 1 FROM {EMBEDDINGS} "  # noqa: S608 — ours
            "WHERE made_with IS NULL LIMIT %s) AS waiting",
            [most],
        )
        return int(count)

    def waiting(self, most: int) -> list[tuple[int, bytes]]:
        """(number, packed line) of the newest transcripts without passages, the oldest of them first.

        At most so many, and of large ones fewer.
        """
        sizes = self._store.query(
            f"SELECT number, length(line) FROM {EMBEDDINGS} JOIN {TRANSCRIPTS} ON number = transcript_id "  # noqa: S608 — ours
            "WHERE made_with IS NULL AND sealed_with IS NULL ORDER BY transcript_id DESC LIMIT %s",
            [most],
        )
        rows: list[tuple[int, bytes]] = []
        size = 0
        for number, length in sizes:
            size += length
            if rows and size > MOST_READ:
                break
            rows += self._store.query(
                f"SELECT number, line FROM {TRANSCRIPTS} WHERE number = %s",  # noqa: S608 — ours
                [number],
            )
        return [(int(number), bytes(line)) for number, line in reversed(rows)]

    def enter(self, passages: Mapping[int, Sequence[Placed]]) -> None:
        """Write the passages of each transcript, none or more. One that is gone by now gets none."""
        with self._store.transaction():
            rows = [
                (number, placed.position, self._stored(placed.vector))
                for number, found in passages.items()
                if self._mark(number, mark(self._model, found[0].vector if found else ()))
                for placed in found
            ]
            if rows:
                self._store.execute_many(
                    f"INSERT INTO {PASSAGES} (transcript_id, position, embedding) "  # noqa: S608 — ours
                    "VALUES (%s, %s, %s)",
                    rows,
                )

    def close(self) -> None:
        self._store.close()

    def _mark(self, number: int, mark: str | None) -> bool:
        """Whether it is there and the mark is new; it then stays until the transaction ends.

        PostgreSQL holds the transcript first, as who deletes it does: else each would wait for the other.
        """
        if self._array and not self._store.query(
            f"SELECT 1 FROM {TRANSCRIPTS} WHERE number = %s FOR KEY SHARE",  # noqa: S608 — ours
            [number],
        ):
            return False
        marked = self._store.query(
            f"UPDATE {EMBEDDINGS} SET made_with = %s WHERE transcript_id = %s "  # noqa: S608 — ours
            "AND (made_with IS NULL) = %s RETURNING transcript_id",
            [mark, number, mark is not None],
        )
        return bool(marked)

    def _drop(self, number: int) -> None:
        self._store.query(
            f"DELETE FROM {PASSAGES} WHERE transcript_id = %s",  # noqa: S608 — ours
            [number],
        )

    def _stored(self, vector: Vector) -> object:
        return list(vector) if self._array else packed(vector)


def unit(vector: Vector) -> list[float] | None:
    """The vector at length 1, so that a product of two is their likeness; None where it has none."""
    largest = max(map(abs, vector), default=0.0)
    if not largest:
        return None
    scaled = [number / largest for number in vector]  # squares of very large numbers have no value
    length = math.hypot(*scaled)
    units = (number / length for number in scaled)
    return [number if abs(number) > TINY else 0.0 for number in units]


def packed(vector: Vector) -> bytes:
    return struct.pack(f"<{len(vector)}e", *vector)
