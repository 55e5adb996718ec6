"""Books of a test's own in one database, and what a test wants to know of them."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from usage.ledger import RECORDS, ROLLUPS, Ledger
from usage.models import UsageRecord, UsageRollup
from usage.record import Record
from usage.store import open_store


def record(**changed: Any) -> Record:
    """A record as an ordinary answer leaves it."""
    usual: dict[str, Any] = {
        "exchange_id": os.urandom(16),
        "started_at": time.time(),
        "first_content_ms": 5.5,
        "total_ms": 40.25,
        "client_key_name": "alice",
        "client_key_id": 1,
        "provider_name": "openai",
        "deployment": "*",
        "rule_name": "gpt",
        "client_format": "openai.chat",
        "request_model": "gpt-test",
        "outcome": "completed",
        "reason": "ok",
        "status": 200,
        "input_tokens": 10,
        "output_tokens": 3,
        "cost_nano": 700,
    }
    return Record(**{**usual, **changed})


def is_named(name: str, journals: Path) -> bool:
    """Whether any file there holds a name; files may go meanwhile."""
    for path in journals.iterdir():
        with suppress(FileNotFoundError):
            if name.encode() in path.read_bytes():
                return True
    return False


@dataclass
class Shelf:
    """One database with empty books. `place` may be changed to make it go away and come back."""

    wrapper: type[BaseDatabaseWrapper]
    place: dict[str, Any]

    def fill(self) -> Shelf:
        """Make the tables."""
        connection = self.connect()
        with connection.schema_editor() as editor:
            editor.create_model(UsageRecord)
            editor.create_model(UsageRollup)
        connection.close()
        return self

    def through(self, host: str, port: int) -> Shelf:
        """The same books by another way."""
        return Shelf(self.wrapper, {**self.place, "HOST": host, "PORT": port})

    def connect(self) -> BaseDatabaseWrapper:
        wrapper = self.wrapper({**self.place, "OPTIONS": dict(self.place["OPTIONS"])})
        wrapper.inc_thread_sharing()
        return wrapper

    def ledger(self) -> Ledger:
        return Ledger(open_store(self.connect()))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query gives; {records} and {rollups} in it are the tables."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql.format(records=RECORDS, rollups=ROLLUPS))
                return list(cursor.fetchall())
        finally:
            connection.close()

    def ids(self) -> list[str]:
        """The ids in the books, as they are there, in order."""
        rows = self.rows("SELECT exchange_id FROM {records} ORDER BY 1")
        return [str(name).replace("-", "") for (name,) in rows]

    def reasons(self) -> dict[str, int]:
        """How many records have each reason."""
        return dict(self.rows("SELECT reason, count(*) FROM {records} GROUP BY 1"))

    def requests(self, grain: str) -> int:
        rows = self.rows("SELECT grain, sum(requests) FROM {rollups} GROUP BY 1")
        return int(dict(rows).get(grain, 0))
