"""`manage.py records`: the books for programs and for people."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.books.shelf import record
from tests.databases import apart
from usage.ledger import Ledger
from usage.management.commands.records import moment
from usage.record import AttemptRecord, Record
from usage.store import open_store, own_connection

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def enter(*records: Record) -> None:
    def work() -> None:
        ledger = Ledger(open_store(own_connection()))
        ledger.enter(list(records), [])
        ledger.close()

    apart(work)


def printed(*arguments: str) -> list[str]:
    out = StringIO()
    apart(lambda: call_command("records", *arguments, stdout=out))
    return out.getvalue().splitlines()


def test_a_line_has_every_field_in_order(database: Path) -> None:
    attempt = AttemptRecord("openai", "*", "gpt", "main", 200, "ok", 12.5)
    one = record(started_at=NOW.timestamp() + 0.25, attempts=[attempt], tags={"a": "b"})
    enter(one)
    [line] = printed("--json")
    found = json.loads(line)
    assert list(found) == list(Record.__struct_fields__)
    assert found["exchange_id"] == str(uuid.UUID(bytes=one.exchange_id))
    assert found["started_at"] in ("2026-07-01T12:00:00.250000Z", "2026-07-01T12:00:00.25Z")
    assert (found["cost_nano"], found["tags"]) == (700, {"a": "b"})
    assert found["attempts"][0]["provider"] == "openai"


def test_records_come_oldest_first_and_can_be_narrowed(database: Path) -> None:
    now = datetime.now(UTC).timestamp()
    old, new = record(started_at=now - 7200), record(started_at=now - 60)
    bob = record(started_at=now - 30, client_key_name="bob")
    enter(new, bob, old)

    def ids(*arguments: str) -> list[bytes]:
        lines = printed("--json", *arguments)
        return [uuid.UUID(json.loads(line)["exchange_id"]).bytes for line in lines]

    assert ids() == [old.exchange_id, new.exchange_id, bob.exchange_id]
    assert ids("--since", "1h") == [new.exchange_id, bob.exchange_id]
    assert ids("--key", "bob") == [bob.exchange_id]
    assert ids("--since", "10s") == []


def test_a_key_that_nobody_has_is_pointed_out(database: Path) -> None:
    told = StringIO()
    apart(lambda: call_command("records", "--key", "nosuch", "--json", stderr=told))
    assert told.getvalue() == "There is no client key named 'nosuch' now.\n"


def test_without_json_it_is_a_table(database: Path) -> None:
    enter(record(cost_nano=None))
    head, row = printed()
    assert head.split()[0] == "Started"
    assert "alice" in row
    assert "no price" in row
    assert row.endswith("completed (ok)")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", datetime(2026, 7, 1, 11, 58, 30, tzinfo=UTC)),
        ("2d", datetime(2026, 6, 29, 12, 0, tzinfo=UTC)),
        ("2026-06-30", datetime(2026, 6, 30, tzinfo=UTC)),
        ("2026-06-30T08:00", datetime(2026, 6, 30, 8, tzinfo=UTC)),
        ("2026-06-30T08:00+02:00", datetime(2026, 6, 30, 6, tzinfo=UTC)),
    ],
)
def test_since_takes_times_and_spans(text: str, meant: datetime) -> None:
    assert moment(text, NOW) == meant


@pytest.mark.parametrize("text", ["yesterday", "1y", "-3h", "999999w", ""])
def test_since_says_what_it_takes(text: str) -> None:
    with pytest.raises(CommandError, match="neither a time"):
        moment(text, NOW)
