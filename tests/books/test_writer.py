"""From the journal to the database: everything once, whatever goes away in between."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from tests.books.shelf import Shelf, is_named, record
from tests.tcp_proxy import TcpProxy
from usage.journal import Journal
from usage.writer import Writer

PATIENCE = 10.0


@pytest.fixture
def journal(journals: Path) -> Journal:
    return Journal.open(journals, "w")


def running(journals: Path, shelf: Shelf) -> Writer:
    writer = Writer(journals, "w", shelf.connect)
    writer.start()
    return writer


def wait_until(condition, what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def test_what_ended_is_in_the_books_and_the_journal_goes(
    shelf: Shelf, journals: Path, journal: Journal
) -> None:
    writer = running(journals, shelf)
    records = [record() for _ in range(50)]
    for one in records:
        journal.begin(one)
        journal.attempt(one)
        journal.end(one)
    assert journal.entries == 150
    assert writer.flush(PATIENCE), writer.state()
    assert shelf.ids() == sorted(one.exchange_id.hex() for one in records)
    assert journal.backlog == 0
    assert writer.stop(PATIENCE)
    journal.close()
    assert list(journals.iterdir()) == []


def test_it_follows_without_being_asked(shelf: Shelf, journals: Path, journal: Journal) -> None:
    writer = running(journals, shelf)
    journal.end(record())
    wait_until(lambda: writer.state()["records"] == 1, "the record never came")
    assert writer.state()["backlog_bytes"] == 0
    assert writer.state()["error"] == ""
    writer.stop(PATIENCE)
    journal.close()


def test_a_long_exchange_keeps_only_the_segments_it_needs(shelf: Shelf, journals: Path) -> None:
    journal = Journal.open(journals, "w", segment_bytes=2000)
    writer = running(journals, shelf)
    long = record(outcome="", reason="")
    journal.begin(long)
    for _ in range(50):
        journal.end(record())
    assert writer.flush(PATIENCE)
    assert (journals / "w-00000001.jnl").exists(), "the only word on it must stay"
    journal.checkpoint(long)
    journal.end(record())
    assert writer.flush(PATIENCE)
    kept = sorted(path.name for path in journals.glob("*.jnl"))
    assert "w-00000001.jnl" not in kept
    assert len(kept) <= 2
    long.outcome, long.reason = "completed", "ok"
    journal.end(long)
    assert writer.stop(PATIENCE)
    journal.close()
    assert list(journals.iterdir()) == []
    assert len(shelf.ids()) == 52


def test_what_is_open_at_the_end_stays_for_the_next_start(
    shelf: Shelf, journals: Path, journal: Journal
) -> None:
    writer = running(journals, shelf)
    journal.begin(record(outcome="", reason=""))
    assert writer.stop(PATIENCE)
    journal.close()
    assert list(journals.glob("*.jnl")) != []
    following = Writer(journals, "next", shelf.connect)
    following.start()
    assert following.stop(PATIENCE)
    assert shelf.reasons() == {"crashed": 1}
    assert list(journals.iterdir()) == []


def test_no_name_stays_in_the_journal_though_nothing_comes(shelf: Shelf, journals: Path) -> None:
    journal = Journal.open(journals, "w", segment_seconds=0.3)
    writer = running(journals, shelf)
    journal.end(record(end_user="u-4711"))

    def is_forgotten() -> bool:
        journal.close_old_segment()
        return not is_named("u-4711", journals)

    wait_until(is_forgotten, "a name stays on disk")
    assert writer.flush(PATIENCE), writer.state()
    assert shelf.rows("SELECT end_user FROM {records}") == [("u-4711",)]
    assert writer.state()["backlog_bytes"] == journal.backlog == 0
    assert writer.stop(PATIENCE)
    journal.close()
    assert list(journals.iterdir()) == []


def test_a_name_of_an_exchange_that_is_open_stays_in_the_journal(
    shelf: Shelf, journals: Path
) -> None:
    journal = Journal.open(journals, "w", segment_seconds=0.0)
    writer = running(journals, shelf)
    journal.begin(record(outcome="", reason="", end_user="u-4711"))
    journal.end(record())
    for _ in range(3):  # each begins after the look of the one before it
        assert writer.flush(PATIENCE), writer.state()
    assert b"u-4711" in (journals / "w-00000001.jnl").read_bytes()
    assert writer.stop(PATIENCE)
    journal.close()


@pytest.mark.parametrize("shelf", ["sqlite"], indirect=True)
def test_a_locked_sqlite_file_delays_and_loses_nothing(
    shelf: Shelf, journals: Path, journal: Journal
) -> None:
    shelf.place["OPTIONS"]["timeout"] = 0.05
    writer = running(journals, shelf)
    assert writer.flush(PATIENCE)
    blocker = sqlite3.connect(shelf.place["NAME"], isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    for _ in range(20):
        journal.end(record())
    wait_until(lambda: "locked" in writer.state()["error"], "the trouble is not told")
    assert writer.state()["backlog_bytes"] > 0
    assert journal.backlog == 20
    assert not writer.flush(0.2)
    blocker.execute("ROLLBACK")
    blocker.close()
    assert writer.flush(PATIENCE)
    assert writer.state()["error"] == ""
    assert len(shelf.ids()) == 20
    writer.stop(PATIENCE)
    journal.close()


@pytest.mark.postgres
@pytest.mark.parametrize("shelf", ["postgresql"], indirect=True)
def test_postgresql_goes_away_and_comes_back(
    shelf: Shelf, journals: Path, journal: Journal
) -> None:
    with TcpProxy(shelf.place["HOST"], int(shelf.place["PORT"] or 5432)) as proxy:
        behind = shelf.through("127.0.0.1", proxy.port)
        writer = running(journals, behind)
        journal.end(record())
        assert writer.flush(PATIENCE), writer.state()
        proxy.stop()
        for _ in range(500):
            journal.end(record())
        wait_until(lambda: writer.state()["error"] != "", "the trouble is not told")
        assert len(shelf.ids()) == 1
        proxy.resume()
        assert writer.flush(PATIENCE), writer.state()
        assert len(shelf.ids()) == shelf.requests("hour") == 501
        assert writer.stop(PATIENCE)
    journal.close()
    assert list(journals.iterdir()) == []


@pytest.mark.postgres
@pytest.mark.parametrize("shelf", ["postgresql"], indirect=True)
def test_a_connection_that_the_server_ended_is_replaced(
    shelf: Shelf, journals: Path, journal: Journal
) -> None:
    writer = running(journals, shelf)
    for _ in range(3):
        journal.end(record())
        assert writer.flush(PATIENCE), writer.state()
        shelf.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'patchbay-books' AND datname = current_database()"
        )
    journal.end(record())
    assert writer.flush(PATIENCE), writer.state()
    assert len(shelf.ids()) == 4
    writer.stop(PATIENCE)
    journal.close()


def test_a_record_that_no_database_takes_is_kept_aside(
    shelf: Shelf, journals: Path, journal: Journal
) -> None:
    writer = running(journals, shelf)
    journal.end(record())
    journal.end(record(total_ms=None))
    journal.end(record())
    assert writer.stop(PATIENCE)
    assert len(shelf.ids()) == 2
    assert writer.state()["damaged"] == 1
    journal.close()
    [aside] = journals.iterdir()
    assert aside.name == "w.bad"
