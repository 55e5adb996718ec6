"""Transcripts in the database: rows made of lines, in bulk, and removed when they are old.

It decides what a row looks like; how a database takes it is the store's.
"""

from __future__ import annotations

import logging
import time
import zlib
from pathlib import Path
from uuid import UUID

from django.db.models import CharField

from usage.fit import fit_text
from usage.ledger import moment_text
from usage.models import Embedding, Transcript
from usage.store import Row, Store
from usage.transcripts.stored import Line

TABLE = Transcript._meta.db_table
EMBEDDINGS = Embedding._meta.db_table
TEXTS: dict[str, int] = {
    field.name: field.max_length
    for field in Transcript._meta.get_fields()
    if isinstance(field, CharField) and field.max_length and not field.null
}
COLUMNS = ("exchange_id", "started_at", *TEXTS, "status", "line", "words", "sealed_with")
SEALED_WITH = 80
"""As long as the column."""
PLACE = Path("database")
"""Stands where a line has the file that it comes from."""
ROWS_AT_ONCE = 50
"""Of one transaction, so that no other writer waits long for SQLite."""
DAY = 86_400
PRUNED_AT_ONCE = 200
PRUNE_SECONDS = 1.0
COMPRESSION = 3
"""Of zlib: twice as fast as its default, for a few percent of the size."""

log = logging.getLogger("patchbay.transcripts")


class TranscriptTable:
    """The table in one database, through one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def enter(self, rows: list[Row]) -> int:
        """Add rows, but none whose exchange is there already; returns how many no database takes."""
        refused = 0
        for start in range(0, len(rows), ROWS_AT_ONCE):
            refused += self._enter(rows[start : start + ROWS_AT_ONCE])
        return refused

    def _enter(self, rows: list[Row]) -> int:
        try:
            with self._store.transaction():
                new = self._store.insert(TABLE, COLUMNS, rows)
                self._let_wait([row[0] for row in rows if row[0] in new and row[-1] is None])
            return 0
        except self._store.refusals as error:
            if len(rows) == 1:
                # what it says of the row is what was said
                log.error(
                    "the database does not take transcript %s (%s)",
                    rows[0][0],
                    type(error).__name__,
                )
                return 1
        middle = len(rows) // 2
        return self._enter(rows[:middle]) + self._enter(rows[middle:])

    def _let_wait(self, ids: list[str]) -> None:
        """Note that these, which are not sealed, are not embedded yet."""
        if ids:
            places = ", ".join(["%s"] * len(ids))
            self._store.query(
                f"INSERT INTO {EMBEDDINGS} (transcript_id) "  # noqa: S608 — our names
                f"SELECT number FROM {TABLE} WHERE exchange_id IN ({places})",
                ids,
            )

    def count_old(self, days: float) -> int:
        """How many `prune` would drop."""
        if not days:
            return 0
        [(count,)] = self._store.query(
            f"SELECT count(*) FROM {TABLE} WHERE started_at < %s",  # noqa: S608 — our names
            [self._oldest(days)],
        )
        return int(count)

    def prune(self, days: float, seconds: float = PRUNE_SECONDS) -> bool:
        """Drop transcripts of exchanges that began so many days ago; 0 keeps them for ever.

        A few at a time, and not for long; returns whether all of them are gone.
        """
        if not days:
            return True
        oldest = self._oldest(days)
        until = time.monotonic() + seconds
        while self._drop(oldest) == PRUNED_AT_ONCE:
            if time.monotonic() >= until:
                return False
        return True

    def _oldest(self, days: float) -> object:
        return self._store.moment(time.time() - days * DAY)

    def _drop(self, oldest: object) -> int:
        with self._store.transaction():
            gone = self._store.query(
                f"DELETE FROM {TABLE} WHERE number IN (SELECT number FROM {TABLE} "  # noqa: S608 — ours
                "WHERE started_at < %s ORDER BY started_at LIMIT %s) RETURNING number",
                [oldest, PRUNED_AT_ONCE],
            )
        return len(gone)

    def close(self) -> None:
        self._store.close()


def row_of(line: Line, words: str) -> Row:
    """A row of Transcript, in the order of COLUMNS, as both databases take it."""
    head = line.head
    return (
        UUID(head.exchange_id).hex,
        moment_text(head.time),
        *(fit_text(getattr(head, name), longest) for name, longest in TEXTS.items()),
        head.status if 0 <= head.status < 1000 else 0,
        zlib.compress(line.data, COMPRESSION),
        words,
        fit_text(head.sealed_with, SEALED_WITH) if head.sealed else None,
    )
