"""The books' store on PostgreSQL: COPY into a temporary table, then insert what is new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper

from usage.patience import PATIENCE
from usage.store import Row

INCOMING = "books_incoming"
SUMS_LOCK = 0x70617463_686261
"""An advisory lock's number that nothing else uses: "patchba" in ASCII."""
BOOKS: dict[str, Any] = {**PATIENCE, "application_name": "patchbay-books"}


class PostgresStore:
    """PostgreSQL: several workers' books may write at once."""

    refusals: tuple[type[Exception], ...] = (
        psycopg.DataError,
        psycopg.IntegrityError,
        OverflowError,
    )

    def __init__(self, wrapper: BaseDatabaseWrapper) -> None:
        options = wrapper.settings_dict["OPTIONS"]
        wrapper.settings_dict["OPTIONS"] = BOOKS | options
        wrapper.connect()
        self._wrapper = wrapper
        self._raw: psycopg.Connection[Row] = wrapper.connection
        self._has_incoming = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        try:
            with self._raw.transaction():
                yield
        except BaseException:
            self._has_incoming = False  # it may have been made in what is undone now
            raise

    def insert(self, table: str, columns: Sequence[str], rows: list[Row]) -> set[str]:
        self._make_incoming(table)
        names = ", ".join(columns)
        with self._raw.cursor() as cursor:
            with cursor.copy(f"COPY {INCOMING} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {names} FROM {INCOMING} "  # noqa: S608 — ours
                f"ON CONFLICT ({columns[0]}) DO NOTHING "
                f"RETURNING encode(uuid_send({columns[0]}), 'hex')"
            )
            return {name for (name,) in cursor}

    def _make_incoming(self, table: str) -> None:
        """Once a connection: making or truncating a table for every batch would swell the catalogue."""
        if not self._has_incoming:
            self._raw.execute(
                f"CREATE TEMPORARY TABLE IF NOT EXISTS {INCOMING} (LIKE {table} INCLUDING IDENTITY) "
                "ON COMMIT DELETE ROWS"
            )
            self._has_incoming = True

    def lock_sums(self) -> None:
        self._raw.execute("SELECT pg_advisory_xact_lock(%s)", [SUMS_LOCK])

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        cursor = self._raw.execute(sql, values)
        return cursor.fetchall() if cursor.description else []

    def execute_many(self, sql: str, rows: list[Row]) -> None:
        with self._raw.cursor() as cursor:
            cursor.executemany(sql, rows)

    def moment(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, UTC)

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._wrapper.close()
