"""The table of transcripts in a database of a test's own, and what a test wants to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from tests.transcripts.lines import encoded
from usage.store import open_store, own_connection
from usage.transcripts.database import TABLE, TranscriptTable
from usage.transcripts.database_writer import TranscriptWriter
from usage.transcripts.search import Filters, Found, search


@dataclass
class Archive:
    """`place` is where Django's connection leads."""

    place: dict[str, Any]

    @property
    def vendor(self) -> str:
        return connection.vendor

    def keep(self, *lines: dict[str, Any]) -> None:
        """Write them, in this order, as a gateway that has just started."""
        writer = TranscriptWriter()
        writer.write(encoded(*lines))
        writer.close()
        assert writer.refused == 0

    def table(self) -> TranscriptTable:
        return TranscriptTable(open_store(own_connection()))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query gives; {table} in it is the table."""
        with connection.cursor() as cursor:
            cursor.execute(sql.format(table=TABLE), values)
            return list(cursor.fetchall()) if cursor.description else []

    def count(self) -> int:
        [(count,)] = self.rows("SELECT count(*) FROM {table}")
        return int(count)

    def indexed(self, word: str) -> int:
        """How many transcripts the index alone says that a word is in."""
        if self.vendor == "postgresql":
            sql = "SELECT count(*) FROM {table} WHERE words @@ %s::tsquery"
        else:
            sql = "SELECT count(*) FROM {table}_index WHERE {table}_index MATCH %s"
        [(count,)] = self.rows(sql, word)
        return int(count)


def found(text: str, limit: int = 50, **filters: Any) -> list[str]:
    """The ids of what a search finds, on its first page."""
    return ids(search(text, Filters(**filters), limit))


def ids(page: Found) -> list[str]:
    return [str(hit.exchange_id) for hit in page.hits]
