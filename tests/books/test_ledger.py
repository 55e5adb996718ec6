"""Each database takes a record once, and adds to the sums exactly what was new."""

from __future__ import annotations

import json
from threading import Thread

from tests.books.shelf import Shelf, record
from usage.record import AttemptRecord
from usage.rollup import MINUTES_KEPT_SECONDS


def test_a_record_that_comes_again_changes_nothing(shelf: Shelf) -> None:
    ledger = shelf.ledger()
    first, second = record(), record()
    assert ledger.enter([first], []) == (1, [])
    assert ledger.enter([first, second, second], []) == (1, [])
    assert shelf.ids() == sorted(one.exchange_id.hex() for one in (first, second))
    assert shelf.requests("minute") == shelf.requests("hour") == 2
    ledger.close()


def test_sums_grow_row_by_row(shelf: Shelf) -> None:
    ledger = shelf.ledger()
    for cost in (100, None, 300):
        ledger.enter([record(started_at=1_782_000_000.0, cost_nano=cost, total_ms=50.0)], [])
    rows = shelf.rows(
        "SELECT requests, cost_nano, unpriced, total_ms_counts FROM {rollups} ORDER BY grain"
    )
    assert len(rows) == 2
    for requests, cost, unpriced, counts in rows:
        assert (requests, cost, unpriced) == (3, 400, 1)
        assert sum(json.loads(counts)) == 3
    ledger.close()


def test_refusals_that_are_only_counted_have_no_row(shelf: Shelf) -> None:
    ledger = shelf.ledger()
    refused = [record(outcome="refused", reason="quota", cost_nano=0) for _ in range(3)]
    assert ledger.enter([record()], refused) == (1, [])
    assert len(shelf.ids()) == 1
    assert shelf.requests("hour") == 4
    ledger.close()


def test_a_row_says_what_the_record_said(shelf: Shelf) -> None:
    ledger = shelf.ledger()
    attempt = AttemptRecord("openai", "*", "gpt", "main", 200, "ok", 12.5, "tier 1")
    one = record(attempts=[attempt], tags={"team": "a"}, edits=["model"], stream=True)
    ledger.enter([one], [])
    [row] = shelf.rows("SELECT attempts, tags, edits, losses, stream, total_ms FROM {records}")
    attempts, tags, edits, losses, stream, total_ms = row
    assert json.loads(attempts) == [
        {
            "provider": "openai",
            "deployment": "*",
            "model": "gpt",
            "credential": "main",
            "status": 200,
            "reason": "ok",
            "ms": 12.5,
            "why": "tier 1",
            "detail": "",
        }
    ]
    assert [json.loads(tags), json.loads(edits), json.loads(losses)] == [
        {"team": "a"},
        ["model"],
        [],
    ]
    assert (bool(stream), total_ms) == (True, 40.25)
    ledger.close()


def test_what_no_column_takes_is_cut(shelf: Shelf) -> None:
    ledger = shelf.ledger()
    odd = [
        record(original_model="m" * 1000),
        record(end_user="nul\0nul"),
        record(tags={"nul\0": "nul\0"}, losses=[{"path": "\0"}]),
        record(input_tokens=2**63),
        record(request_model="é" * 500, reason="r" * 90),
    ]
    assert ledger.enter([*odd, record()], []) == (len(odd) + 1, [])
    assert shelf.requests("hour") == len(odd) + 1
    ledger.close()


def test_one_that_no_database_takes_keeps_no_other_out(shelf: Shelf) -> None:
    ledger = shelf.ledger()
    impossible = record(total_ms=None)
    good = [record() for _ in range(9)]
    new, refused = ledger.enter([*good[:4], impossible, *good[4:]], [])
    assert (new, refused) == (9, [impossible])
    assert shelf.requests("hour") == 9
    ledger.close()


def test_ledgers_of_several_workers_do_not_lose_each_other_s_sums(shelf: Shelf) -> None:
    shared = [record(started_at=1_782_000_000.0) for _ in range(40)]

    def enter(number: int) -> None:
        ledger = shelf.ledger()
        for start in range(0, 40, 4):
            ledger.enter(shared[start : start + 4], [])
            ledger.enter([record(started_at=1_782_000_000.0) for _ in range(3)], [])
        ledger.close()

    threads = [Thread(target=enter, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shelf.ids()) == shelf.requests("hour") == shelf.requests("minute") == 40 + 4 * 30


def test_old_minutes_go_and_hours_stay(shelf: Shelf) -> None:
    ledger = shelf.ledger()
    now = 1_782_000_000.0
    ledger.enter([record(started_at=now - MINUTES_KEPT_SECONDS - 120)], [])
    ledger.enter([record(started_at=now - 60)], [])
    ledger.prune(now)
    assert shelf.requests("minute") == 1
    assert shelf.requests("hour") == 2
    assert len(shelf.ids()) == 2
    ledger.close()
