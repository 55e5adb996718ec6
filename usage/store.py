"""How the books talk to a database: past the ORM, in bulk, on a connection of their own.

Both stores take the same SQL with %s for parameters; what differs between databases is here and
in store_postgres. A store belongs to one thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Protocol

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

Row = tuple[Any, ...]
IDS_AT_ONCE = 500
ROWS_AT_ONCE = 50
"""Rows of one INSERT: SQLite takes them faster, and the interpreter's lock is let go once for all."""


class Store(Protocol):
    """One open connection. `refusals` are what it raises when a row, not the database, is at fault."""

    refusals: tuple[type[Exception], ...]

    def transaction(self) -> AbstractContextManager[None]:
        """Everything within is committed together, or nothing is."""

    def insert(self, table: str, columns: Sequence[str], rows: list[Row]) -> set[str]:
        """Insert rows whose first value, an id in hex, is new; returns the ids that were.

        Once a transaction.
        """

    def lock_sums(self) -> None:
        """Let no other writer change rollups until this transaction ends."""

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows that a statement gives, none where it gives none."""

    def execute_many(self, sql: str, rows: list[Row]) -> None:
        """One statement for each of the rows."""

    def moment(self, seconds: float) -> Any:
        """A time as this database takes it and gives it back."""

    def close(self) -> None:
        """Let the connection go, broken or not."""


def own_connection(alias: str = "default") -> BaseDatabaseWrapper:
    """A connection like Django's, apart from its pool and its threads. Not connected yet."""
    wrapper = connections[alias].copy()
    wrapper.settings_dict["OPTIONS"].pop("pool", None)
    return wrapper


def open_store(wrapper: BaseDatabaseWrapper) -> Store:
    """Connect. Raises what the driver raises."""
    if wrapper.vendor == "postgresql":
        from usage.store_postgres import PostgresStore

        return PostgresStore(wrapper)
    return SqliteStore(wrapper)


class SqliteStore:
    """SQLite: one writer at a time, so looking first and inserting then is safe."""

    refusals: tuple[type[Exception], ...] = (
        sqlite3.IntegrityError,
        sqlite3.DataError,
        OverflowError,
    )

    def __init__(self, wrapper: BaseDatabaseWrapper) -> None:
        wrapper.connect()
        self._wrapper = wrapper
        self._raw: sqlite3.Connection = wrapper.connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._raw.execute("COMMIT")
        except BaseException:
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
            raise

    def insert(self, table: str, columns: Sequence[str], rows: list[Row]) -> set[str]:
        new = {row[0] for row in rows} - self._existing(table, columns[0], rows)
        whole = len(rows) - len(rows) % ROWS_AT_ONCE
        pieces = [rows[start : start + ROWS_AT_ONCE] for start in range(0, whole, ROWS_AT_ONCE)]
        self._raw.executemany(
            _insertion(table, columns, ROWS_AT_ONCE), map(list, map(chain.from_iterable, pieces))
        )
        self._raw.executemany(_insertion(table, columns, 1), rows[whole:])
        return new

    def _existing(self, table: str, column: str, rows: list[Row]) -> set[str]:
        existing: set[str] = set()
        for start in range(0, len(rows), IDS_AT_ONCE):
            ids = [row[0] for row in rows[start : start + IDS_AT_ONCE]]
            marks = ", ".join("?" * len(ids))
            found = self._raw.execute(
                f"SELECT {column} FROM {table} WHERE {column} IN ({marks})",  # noqa: S608 — our names
                ids,
            )
            existing.update(name for (name,) in found)
        return existing

    def lock_sums(self) -> None:
        """The transaction is the only writer already."""

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._raw.execute(sql.replace("%s", "?"), values).fetchall()

    def execute_many(self, sql: str, rows: list[Row]) -> None:
        self._raw.executemany(sql.replace("%s", "?"), rows)

    def moment(self, seconds: float) -> str:
        """The text that Django keeps: UTC without a zone."""
        return str(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))

    def close(self) -> None:
        self._wrapper.close()


def _insertion(table: str, columns: Sequence[str], rows: int) -> str:
    """The statement that inserts this many rows, but none whose first value is there already."""
    row = f"({', '.join('?' * len(columns))})"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)} "  # noqa: S608 — our names
        f"ON CONFLICT ({columns[0]}) DO NOTHING"
    )
