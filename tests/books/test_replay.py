"""What a dead worker leaves is taken over: once, whole, and by one."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Barrier, Thread

from tests.books.shelf import Shelf, record
from usage.journal import Journal
from usage.record import Record
from usage.replay import replay_left_overs
from usage.segments import Lock, lock_path, read_position
from usage.writer import Writer

PATIENCE = 10.0


def die(journal: Journal) -> None:
    """Let go of files and lock as the kernel does for a killed process, and tidy nothing."""
    os.close(journal._file)
    journal._lock.close()


def unended(**changed: object) -> Record:
    return record(**{"outcome": "", "reason": "", "status": 0, "total_ms": 0.0, **changed})


def replay(directory: Path, shelf: Shelf) -> int:
    ledger = shelf.ledger()
    try:
        return replay_left_overs(
            directory, "me", lambda ended, counted: ledger.enter(ended, counted), lambda: True
        )
    finally:
        ledger.close()


def test_what_had_begun_is_recorded_as_crashed_at_its_last_word(
    shelf: Shelf, journals: Path
) -> None:
    journal = Journal.open(journals, "dead")
    stream, whole = unended(output_tokens=0, cost_nano=0), record()
    journal.begin(stream)
    journal.begin(whole)
    journal.end(whole)
    stream.output_tokens, stream.cost_nano = 77, 4_400
    journal.checkpoint(stream)
    die(journal)
    replay(journals, shelf)
    assert shelf.reasons() == {"crashed": 1, "ok": 1}
    assert shelf.rows(
        "SELECT output_tokens, cost_nano, outcome FROM {records} WHERE reason = 'crashed'"
    ) == [(77, 4_400, "failed")]
    assert list(journals.iterdir()) == []


def test_an_end_in_a_later_segment_is_found(shelf: Shelf, journals: Path) -> None:
    journal = Journal.open(journals, "dead", segment_bytes=600)
    long = unended()
    journal.begin(long)
    for _ in range(10):
        journal.end(record())
    long.outcome, long.reason = "completed", "ok"
    journal.end(long)
    assert len(list(journals.glob("*.jnl"))) > 3
    die(journal)
    replay(journals, shelf)
    assert shelf.reasons() == {"ok": 11}


def test_a_torn_end_is_ignored(shelf: Shelf, journals: Path) -> None:
    journal = Journal.open(journals, "dead")
    whole, torn = record(), record()
    journal.end(whole)
    journal.end(torn)
    die(journal)
    segment = journals / "dead-00000001.jnl"
    segment.write_bytes(segment.read_bytes()[:-5])
    assert replay(journals, shelf) == 0
    assert shelf.ids() == [whole.exchange_id.hex()]
    assert list(journals.iterdir()) == []


def test_damage_in_the_middle_is_kept_aside_and_blocks_nothing(
    shelf: Shelf, journals: Path
) -> None:
    journal = Journal.open(journals, "dead")
    ends = [record() for _ in range(3)]
    sizes = [0]
    segment = journals / "dead-00000001.jnl"
    for one in ends:
        journal.end(one)
        sizes.append(segment.stat().st_size)
    die(journal)
    content = bytearray(segment.read_bytes())
    content[sizes[1] + 30] ^= 0xFF
    segment.write_bytes(content)
    assert replay(journals, shelf) == 1
    assert shelf.ids() == sorted([ends[0].exchange_id.hex(), ends[2].exchange_id.hex()])
    [aside] = journals.iterdir()
    assert (aside.name, aside.read_bytes()) == (
        "dead-00000001.bad",
        bytes(content[sizes[1] : sizes[2]]),
    )


def test_the_journal_of_a_living_worker_is_left_alone(shelf: Shelf, journals: Path) -> None:
    journal = Journal.open(journals, "alive")
    journal.begin(unended())
    replay(journals, shelf)
    assert shelf.ids() == []
    journal.close()


def test_several_writers_at_once_replay_it_once(shelf: Shelf, journals: Path) -> None:
    journal = Journal.open(journals, "dead", segment_bytes=4000)
    for number in range(200):
        journal.end(record(), rollup_only=number % 2 == 0)
    for _ in range(7):
        journal.begin(unended())
    die(journal)
    start = Barrier(4)

    def run(number: int) -> None:
        writer = Writer(journals, f"sibling-{number}", shelf.connect)
        start.wait()
        writer.start()
        assert writer.stop(PATIENCE), writer.state()

    threads = [Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shelf.reasons() == {"ok": 100, "crashed": 7}
    assert shelf.requests("hour") == shelf.requests("minute") == 207
    assert list(journals.iterdir()) == []


def test_a_replay_that_was_interrupted_counts_nothing_twice(shelf: Shelf, journals: Path) -> None:
    journal = Journal.open(journals, "dead", segment_bytes=2000)
    for number in range(60):
        journal.end(record(), rollup_only=number % 2 == 0)
    journal.begin(unended())
    die(journal)
    ledger = shelf.ledger()
    turns = iter([True, True, True, False])
    replay_left_overs(
        journals, "me", lambda ended, counted: ledger.enter(ended, counted), lambda: next(turns)
    )
    ledger.close()
    assert 0 < shelf.requests("hour") < 60
    assert read_position(journals, "dead").entries > 0
    replay(journals, shelf)
    assert shelf.requests("hour") == 61
    assert shelf.reasons() == {"ok": 30, "crashed": 1}


def test_a_lock_on_a_file_that_is_gone_is_no_lock(journals: Path) -> None:
    first = Lock.take(journals, "dead")
    assert first is not None
    assert Lock.take(journals, "dead") is None
    first.remove()
    second = Lock.take(journals, "dead")
    assert second is not None
    assert lock_path(journals, "dead").exists()
    first.close()
    assert Lock.take(journals, "dead") is None, "letting go of the old file must not free the new"
    second.close()
