"""What leaves the disk when nothing more comes: whole segments, oldest first, that nobody needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.books.shelf import Shelf, record
from usage.journal import Journal
from usage.record import Record
from usage.replay import replay_left_overs
from usage.segments import end_of_journal
from usage.tail import Tail


@pytest.fixture
def journal(journals: Path) -> Journal:
    """Each entry is in a segment of its own, and after the last one an empty one is begun."""
    return Journal.open(journals, "w", segment_seconds=0.0)


@pytest.fixture
def tail(journals: Path) -> Tail:
    return Tail(journals, "w", alive=True)


def unended() -> Record:
    return record(outcome="", reason="")


def numbers(journals: Path) -> list[int]:
    """Of the segments that are there."""
    return sorted(int(path.stem.rpartition("-")[2]) for path in journals.glob("*.jnl"))


def catch_up(tail: Tail) -> list[Record]:
    """Take all that is there, then tidy; returns what ended."""
    ended = []
    while batch := tail.read():
        tail.accept(batch)
        ended += batch.ended
    tail.remove_finished()
    return ended


def test_a_finished_segment_goes_though_nothing_comes_after_it(
    journals: Path, journal: Journal, tail: Tail
) -> None:
    one = record()
    journal.end(one)
    assert catch_up(tail) == [one]
    assert numbers(journals) == [2]
    journal.close()
    assert list(journals.iterdir()) == [], "nothing is behind the position that is kept"


def test_the_last_segment_stays_for_more_may_come(journals: Path, tail: Tail) -> None:
    journal = Journal.open(journals, "w")
    for one in (record(), record()):
        journal.end(one)
        assert catch_up(tail) == [one]
    assert numbers(journals) == [1]
    journal.close()


def test_what_is_open_keeps_its_segment_and_those_after_it(
    journals: Path, journal: Journal, tail: Tail
) -> None:
    long, other = unended(), record()
    journal.begin(long)
    journal.end(other)
    assert catch_up(tail) == [other]
    assert numbers(journals) == [1, 2, 3], "no entry may outlive a later one of the same exchange"
    journal.checkpoint(long)
    catch_up(tail)
    assert numbers(journals) == [3, 4], "there is a later word on it"
    journal.end(long)
    catch_up(tail)
    assert numbers(journals) == [5]
    journal.close()


def test_what_was_written_after_the_last_look_stays_though_a_new_segment_was_begun(
    journals: Path, tail: Tail
) -> None:
    journal = Journal.open(journals, "w", segment_bytes=1500)
    journal.end(record())
    assert len(catch_up(tail)) == 1
    assert numbers(journals) == [1]
    later = []
    while numbers(journals) == [1]:
        later.append(record())
        journal.end(later[-1])
    tail.remove_finished()
    assert catch_up(tail) == later
    journal.close()


def test_what_the_database_did_not_take_stays(journals: Path, journal: Journal, tail: Tail) -> None:
    refused = record()
    assert tail.read() is None
    journal.end(refused)
    assert tail.read() is not None
    tail.remove_finished()
    assert catch_up(tail) == [refused]
    journal.close()


def test_a_segment_that_goes_while_the_end_is_looked_for_is_none(
    journals: Path, journal: Journal
) -> None:
    journal.end(record())
    size = (journals / "w-00000001.jnl").stat().st_size
    (journals / "w-00000003.jnl").symlink_to("gone")
    assert end_of_journal(journals, "w") == (1, size)
    (journals / "w-00000003.jnl").unlink()
    journal.close()


def test_whoever_takes_over_counts_nothing_twice_where_a_segment_is_gone(
    shelf: Shelf, journals: Path, journal: Journal, tail: Tail
) -> None:
    ledger = shelf.ledger()

    def take_over() -> None:
        while batch := tail.read():
            ledger.enter(batch.ended, batch.counted)
            tail.accept(batch)

    for _ in range(3):
        journal.end(record(), rollup_only=True)
    take_over()
    tail.remove_finished()
    assert numbers(journals) == [4]
    journal.end(record(), rollup_only=True)
    take_over()
    journal.begin(unended())
    assert numbers(journals) == [4, 5, 6]
    os.close(journal._file)
    journal._lock.close()
    replay_left_overs(
        journals, "me", lambda ended, counted: ledger.enter(ended, counted), lambda: True
    )
    ledger.close()
    assert shelf.requests("hour") == 5
    assert shelf.reasons() == {"crashed": 1}
    assert list(journals.iterdir()) == []
