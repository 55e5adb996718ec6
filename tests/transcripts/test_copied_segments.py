"""Files that were copied into one directory, or under other names: what is in them is found all the same."""

from __future__ import annotations

import gzip
import os
import uuid
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.transcripts.lines import NOON, compressed, encoded, id_at, ids, line, live, rotated
from usage.transcripts.raw_lines import Damage, SegmentReader
from usage.transcripts.read import find, find_all, scan
from usage.transcripts.segments import Segment, index_path

HOUR, DAY = 3600.0, 86_400.0
Made = Callable[..., Path]


def without_index(directory: Path, moment: float, *lines: Any) -> Path:
    path = compressed(directory, moment, *lines)
    index_path(path).unlink()
    return path


def all_found(directory: Path, lines: list[dict[str, Any]]) -> bool:
    """Whether each is found by its id."""
    return all(find(directory, uuid.UUID(one["exchange_id"])) is not None for one in lines)


@pytest.fixture(params=[rotated, compressed, without_index])
def made(request: pytest.FixtureRequest) -> Made:
    """How a segment is made."""
    chosen: Made = request.param
    return chosen


def two_hosts(directory: Path, made: Made) -> list[dict[str, Any]]:
    """The one rotates twice a day; the other has little to do, and did it a minute later, after ten days."""
    busy = [line(NOON + hour * HOUR) for hour in range(0, 240, 6)]
    quiet = [line(NOON + hour * HOUR + 60) for hour in range(0, 240, 24)]
    for first in range(0, 40, 2):
        made(directory, NOON + (first + 2) * 6 * HOUR, *busy[first : first + 2])
    made(directory, NOON + 10 * DAY + 60, *quiet)
    return sorted([*busy, *quiet], key=lambda one: float(one["time"]))


def test_each_of_two_hosts_is_found_in_one_directory(tmp_path: Path, made: Made) -> None:
    assert all_found(tmp_path, two_hosts(tmp_path, made))


@pytest.mark.parametrize("newest_first", [False, True])
def test_two_hosts_in_one_directory_make_one_row(
    tmp_path: Path, made: Made, newest_first: bool
) -> None:
    expected = ids(two_hosts(tmp_path, made))[:: -1 if newest_first else 1]
    assert ids(scan([tmp_path], newest_first=newest_first)) == expected


def test_a_span_is_that_of_all_hosts_in_one_directory(tmp_path: Path, made: Made) -> None:
    lines = two_hosts(tmp_path, made)
    since, until = NOON + 2 * DAY, NOON + 4 * DAY
    expected = [one["exchange_id"] for one in lines if since <= one["time"] < until]
    assert ids(scan([tmp_path], since, until)) == expected
    assert ids(scan([tmp_path], since, until, newest_first=True)) == expected[::-1]


def test_a_live_file_may_be_older_than_what_another_host_has_rotated(tmp_path: Path) -> None:
    lines = [line(NOON + day * DAY) for day in range(5)]
    live(tmp_path, *lines)
    rotated(tmp_path, NOON + 5 * DAY, line(NOON + 4.5 * DAY))
    assert all_found(tmp_path, lines)
    assert ids(scan([tmp_path], until=NOON + 1)) == ids(lines[:1])


def test_a_segment_is_read_no_sooner_than_its_first_line_is_due(tmp_path: Path, made: Made) -> None:
    """All of a hundred would else be held open at once."""
    rotated(tmp_path, NOON + HOUR, line(NOON))
    made(tmp_path, NOON + 2 * HOUR, b"garbage", line(NOON + HOUR))  # nothing is known of it
    made(tmp_path, NOON + 3 * HOUR, line(NOON + 2 * HOUR), b"garbage")
    told: list[Damage] = []
    assert len(list(islice(scan([tmp_path], report=told.append), 2))) == 2
    assert [damage.line for damage in told] == [1]


def test_a_segment_may_begin_with_an_exchange_that_began_long_before(
    tmp_path: Path, made: Made
) -> None:
    long = line(NOON, total_ms=20 * HOUR * 1000)
    before, after = line(NOON + 19 * HOUR), line(NOON + 20.6 * HOUR)
    between = [line(NOON + 20.2 * HOUR), line(NOON + 20.4 * HOUR)]
    rotated(tmp_path, NOON + 21 * HOUR, before, after)
    made(tmp_path, NOON + 21 * HOUR + 60, long, *between)
    assert all_found(tmp_path, [long, before, *between, after])
    assert ids(scan([tmp_path])) == ids([before, long, *between, after])


FIRST = {
    "of another kind": encoded(line(exchange_id=id_at(NOON + 9 * DAY).replace("-7", "-4")))[:-1],
    "with a time that no clock has": encoded(
        line(exchange_id="ffffffff-ffff-7000-8000-000000000001")
    )[:-1],
    "damaged": b'{"v":1,"exchange_id":"01',
    "no JSON": bytes(5000),
    "of other members": encoded({"event": "request", **line(NOON + 9 * DAY)})[:-1],
    "without an id": encoded(line(exchange_id="x" * 36))[:-1],
}


@pytest.mark.parametrize("first", FIRST)
def test_where_the_first_line_tells_nothing_the_file_is_read(
    tmp_path: Path, made: Made, first: str
) -> None:
    one = line(NOON)
    rotated(tmp_path, NOON + 10 * DAY, line(NOON + 9.9 * DAY))
    made(tmp_path, NOON + 10 * DAY + 60, FIRST[first], one)
    assert all_found(tmp_path, [one])
    assert one["exchange_id"] in ids(scan([tmp_path], until=NOON + 1))


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_name_that_cannot_be_true_hides_nothing(
    tmp_path: Path, made: Made, newest_first: bool
) -> None:
    """A copy was named after another file."""
    lines = [line(NOON + each) for each in range(10)]
    made(tmp_path, NOON - 30 * DAY, *lines[::2])
    rotated(tmp_path, NOON + HOUR, *lines[1::2])
    expected = ids(lines)[:: -1 if newest_first else 1]
    assert all_found(tmp_path, lines)
    assert ids(scan([tmp_path], since=NOON, newest_first=newest_first)) == expected


@pytest.mark.parametrize("is_live", [False, True])
def test_a_clock_that_was_ahead_at_first_hides_nothing(tmp_path: Path, is_live: bool) -> None:
    ahead, one = line(NOON + 30 * DAY), line(NOON)
    path = rotated(tmp_path, NOON + HOUR, ahead, one)
    os.utime(path, (NOON + 1, NOON + 1))
    if is_live:
        path.rename(tmp_path / "transcripts.log")
    assert all_found(tmp_path, [ahead, one])
    assert ids(scan([tmp_path], until=NOON + HOUR)) == ids([one])


def test_a_file_that_is_named_may_have_any_name_and_its_lines_any_order(
    tmp_path: Path, made: Made
) -> None:
    lines = [line(NOON + each * DAY) for each in reversed(range(9))]
    path = made(tmp_path, NOON - 30 * DAY, *lines)
    for one in lines:
        assert ids(find_all([path], uuid.UUID(one["exchange_id"]).hex)) == ids([one])
    assert ids(scan([path], until=NOON + 1)) == ids(lines[-1:])


def test_a_compressed_copy_of_the_live_file_is_read_beside_it(tmp_path: Path) -> None:
    old, new = line(NOON), line(NOON + DAY)
    live(tmp_path, new)
    (tmp_path / "transcripts.log.gz").write_bytes(gzip.compress(encoded(old)))
    assert all_found(tmp_path, [old, new])
    assert ids(scan([tmp_path])) == ids([old, new])


def test_a_compressed_copy_is_not_taken_for_the_live_file_that_was_just_rotated(
    tmp_path: Path,
) -> None:
    (tmp_path / "transcripts.log.gz").write_bytes(gzip.compress(encoded(line(NOON))))
    gone = Segment(tmp_path / "transcripts.log")
    with pytest.raises(FileNotFoundError):
        SegmentReader(gone, lambda _: None, lambda _: None)
