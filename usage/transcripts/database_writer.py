"""Bring transcripts into the database, whatever goes away meanwhile. For a thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from itertools import chain

from django.db.backends.base.base import BaseDatabaseWrapper

from usage.store import Row, open_store, own_connection
from usage.transcripts.database import PLACE, TranscriptTable, row_of
from usage.transcripts.index_words import indexed, words_of
from usage.transcripts.spoken import Heard
from usage.transcripts.stored import Line, Unusable, read_line

LONGEST_WAIT = 3.0

log = logging.getLogger("patchbay.transcripts")


class Away(Exception):
    """The database takes nothing now; what was to be written is to be brought again."""


class TranscriptWriter:
    """Brings lines into the table, on a connection of its own. Used by one thread at a time."""

    def __init__(self, connect: Callable[[], BaseDatabaseWrapper] = own_connection) -> None:
        self._connect = connect
        self._table: TranscriptTable | None = None
        self._heard = Heard()
        self._brought = b""
        self._rows: list[Row] = []
        self._failures = 0
        self._again_at = 0.0
        self.refused = 0

    def write(self, data: bytes) -> None:
        """Lines, all of them or none. Raises Away; then the same lines are to come again."""
        if time.monotonic() < self._again_at:
            raise Away
        if data != self._brought:
            self._rows = [row for line in data.splitlines() if (row := self._row(line))]
            self._brought = data
        try:
            self.refused += self._open().enter(self._rows)
        except Exception as error:  # noqa: BLE001 — whatever it is, the thread must go on
            self._trouble(error)
            raise Away from None
        self._failures, self._brought, self._rows = 0, b"", []

    def close(self) -> None:
        table, self._table = self._table, None
        if table is not None:
            try:
                table.close()
            except Exception as error:  # noqa: BLE001 — a broken connection may not even close
                log.debug("A connection for transcripts did not close: %s", error)

    def _row(self, data: bytes) -> Row | None:
        """None for a note that is no transcript."""
        try:
            line = read_line(data, PLACE)
        except Unusable:
            return None
        return row_of(line, words_of_line(line, self._heard))

    def _open(self) -> TranscriptTable:
        if self._table is None:
            connection = self._connect()
            connection.inc_thread_sharing()  # whoever stops the gateway closes it
            self._table = TranscriptTable(open_store(connection))
        return self._table

    def _trouble(self, error: Exception) -> None:
        self.close()
        if not self._failures:
            why = str(error).partition("\n")[0] or type(error).__name__  # below it stand rows
            log.warning("transcripts cannot be written to the database, and will be: %s", why)
        self._failures += 1
        self._again_at = time.monotonic() + min(LONGEST_WAIT, 0.1 * 2 ** min(self._failures, 10))


def words_of_line(line: Line, heard: Heard) -> str:
    """What the line is found by. One that cannot be read is kept all the same, and not found.

    So is one that is sealed: an index of its words would tell what was said.
    """
    if line.head.sealed:
        return ""
    try:
        said = chain.from_iterable(words_of(text.text) for text in heard.fresh(line))
        return " ".join(indexed(said))
    except Exception:
        log.exception("the words of the transcript %s were not read", line.head.exchange_id)
        return ""
