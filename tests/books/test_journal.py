"""The journal on disk: owner only, in segments, and never in a request's way."""

from __future__ import annotations

import resource
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.books.shelf import record
from usage.frames import split
from usage.journal import RETRY_SECONDS, Journal
from usage.record import AttemptRecord, Record
from usage.tail import Tail

PATIENCE = 10.0


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """A disk that takes no more: writes stop short at this length of a file, then fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def ended(directory: Path, worker: str = "w") -> list[Record]:
    """What a journal says has ended."""
    tail = Tail(directory, worker, alive=True)
    found: list[Record] = []
    while batch := tail.read():
        found += batch.ended
        tail.position = tail.position._replace(segment=batch.segment, offset=batch.offset)
    return found


def is_writable(journal: Journal) -> bool:
    return journal.writable


def test_only_its_owner_can_read_it(journals: Path) -> None:
    journal = Journal.open(journals / "fresh", "w")
    journal.end(record())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in journals.rglob("*")}
    assert modes == {"fresh": 0o700, "w.lock": 0o600, "w-00000001.jnl": 0o600}
    journal.close()


def test_it_goes_on_in_a_new_segment_when_one_is_full(journals: Path) -> None:
    journal = Journal.open(journals, "w", segment_bytes=1000)
    records = [record() for _ in range(20)]
    for one in records:
        journal.end(one)
    assert len(list(journals.glob("*.jnl"))) > 2
    assert [one.exchange_id for one in ended(journals)] == [one.exchange_id for one in records]
    journal.close()


def test_it_goes_on_in_a_new_segment_when_one_is_old_though_nothing_comes(journals: Path) -> None:
    journal = Journal.open(journals, "w", segment_seconds=0.3)
    one = record()
    journal.end(one)
    until = time.monotonic() + PATIENCE
    while len(list(journals.glob("*.jnl"))) == 1:
        assert time.monotonic() < until, "it names somebody for ever"
        journal.close_old_segment()
    assert ended(journals) == [one]
    journal.close()


@pytest.mark.parametrize("seconds", [0.0, 1000.0], ids=["empty", "young"])
def test_a_segment_that_is_empty_or_young_is_kept(journals: Path, seconds: float) -> None:
    journal = Journal.open(journals, "w", segment_seconds=seconds)
    if seconds:
        journal.end(record())
    for _ in range(3):
        journal.close_old_segment()
    assert [path.name for path in journals.glob("*.jnl")] == ["w-00000001.jnl"]
    journal.close()


def test_a_segment_that_cannot_be_begun_is_tried_again_and_loses_nothing(
    journals: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal.open(journals, "w", segment_seconds=0.0)
    in_the_way = journals / "w-00000002.jnl"
    in_the_way.mkdir()
    records = [record() for _ in range(3)]
    for one in records:
        journal.end(one)
        time.sleep(RETRY_SECONDS)
        journal.close_old_segment()
    assert is_writable(journal)
    assert [one.getMessage().partition(":")[0] for one in caplog.records] == [
        "No new segment for the journal of usage"
    ], "said once"
    in_the_way.rmdir()
    time.sleep(RETRY_SECONDS)
    journal.close_old_segment()
    assert in_the_way.is_file()
    assert ended(journals) == records
    journal.close()


def test_a_name_is_used_once(journals: Path) -> None:
    journal = Journal.open(journals, "w")
    with pytest.raises(FileExistsError):
        Journal.open(journals, "w")
    journal.close()


def test_an_entry_is_the_whole_record(journals: Path) -> None:
    journal = Journal.open(journals, "w")
    one = record(
        tags={"a": "b"},
        attempts=[AttemptRecord("openai", "*", "gpt", "main", 200, "ok", 12.5)],
        losses=[{"path": "messages.0", "reason": "no such part"}],
        edits=["model"],
        cost_nano=None,
    )
    journal.end(one)
    assert ended(journals) == [one]
    journal.close()


@pytest.mark.parametrize(
    "unfit",
    [
        {"original_model": "m" * 2_000_000},
        {"original_model": "\ud800"},
        {"input_tokens": 10**30},
        {"losses": [{"path": "\udfff" * 10}]},
        {"attempts": [AttemptRecord("\ud800", "*", "gpt", "main", 200, "ok", 12.5)]},
        {"tags": {str(number): "x" * 10_000 for number in range(1000)}},
    ],
    ids=["long", "surrogate", "huge number", "in a loss", "in an attempt", "many tags"],
)
def test_what_cannot_be_written_as_it_is_is_cut_to_size(
    journals: Path, unfit: dict[str, Any]
) -> None:
    journal = Journal.open(journals, "w")
    one = record(**unfit)
    journal.end(one)
    [kept] = ended(journals)
    assert (kept.exchange_id, kept.cost_nano) == (one.exchange_id, one.cost_nano)
    assert journal.writable
    journal.close()


def test_a_full_disk_loses_no_end_and_is_seen(journals: Path) -> None:
    journal = Journal.open(journals, "w")
    records = [record() for _ in range(30)]
    with files_no_longer_than(1000):
        for one in records:
            journal.begin(one)
            journal.end(one)
        assert not is_writable(journal)
    content = (journals / "w-00000001.jnl").read_bytes()
    assert split(content).used == len(content), "half an entry stayed behind"
    time.sleep(RETRY_SECONDS)
    assert is_writable(journal)
    assert {one.exchange_id for one in ended(journals)} == {one.exchange_id for one in records}
    assert journal.lost == 0
    journal.close()


def test_no_segment_is_begun_on_a_disk_that_takes_nothing(journals: Path) -> None:
    journal = Journal.open(journals, "w", segment_seconds=RETRY_SECONDS)
    records = [record() for _ in range(30)]
    with files_no_longer_than(1000):
        for one in records:
            journal.end(one)
        before = sorted(journals.glob("*.jnl"))
        time.sleep(RETRY_SECONDS)  # so that it is old
        journal.close_old_segment()
        assert sorted(journals.glob("*.jnl")) == before
    time.sleep(RETRY_SECONDS)
    journal.close_old_segment()
    assert len(list(journals.glob("*.jnl"))) == len(before) + 1
    assert ended(journals) == records, "what was kept is written though nothing more comes"
    journal.close()
