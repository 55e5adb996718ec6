"""Transcripts can be watched as they are written, whatever happens to the file meanwhile."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

import pytest

from tests.transcripts.lines import NOON, encoded, id_at, ids, line, live
from usage.transcripts.follow import Follower
from usage.transcripts.raw_lines import Damage
from usage.transcripts.read import scan
from usage.transcripts.segments import STAMP, compress_indexed


@contextmanager
def following(directory: Path) -> Iterator[tuple[Follower, list[str]]]:
    told: list[str] = []

    def report(damage: Damage) -> None:
        told.append(str(damage))

    follower = Follower(directory, report)
    yield follower, told
    follower.close()


def rotate(directory: Path, moment: float) -> Path:
    name = f"transcripts-{datetime.fromtimestamp(moment, UTC).strftime(STAMP)}.log"
    return (directory / "transcripts.log").rename(directory / name)


def test_only_what_comes_from_now_on_is_shown(tmp_path: Path) -> None:
    live(tmp_path, line())
    with following(tmp_path) as (follower, _):
        assert ids(follower.read()) == []
        new = [line(), line()]
        live(tmp_path, *new)
        assert ids(follower.read()) == ids(new)


def test_a_line_is_shown_when_it_is_whole(tmp_path: Path) -> None:
    one = line()
    whole = encoded(one)
    path = live(tmp_path)
    for part in (whole[:100], whole[100:]):
        with following(tmp_path) as (late, _):  # who comes in mid-line waits for its end as well
            with path.open("ab") as file:
                file.write(part)
            found = ids(late.read())
    assert found == ids([one])


def test_a_line_that_is_just_being_written_is_waited_for_by_a_scan_too(tmp_path: Path) -> None:
    whole = encoded(line(), line())
    path = tmp_path / "transcripts.log"
    path.write_bytes(whole[:-100])

    def write_on() -> None:
        with path.open("ab") as file:
            file.write(whole[-100:])

    writer = Timer(0.01, write_on)
    writer.start()
    told: list[Damage] = []
    found = list(scan([tmp_path], report=told.append))
    writer.join()
    assert (len(found), told) == (2, [])


def test_it_waits_for_a_directory_that_is_not_there_yet(tmp_path: Path) -> None:
    with following(tmp_path / "logs") as (follower, _):
        assert ids(follower.read()) == []
        one = line()
        live(tmp_path / "logs", one)
        assert ids(follower.read()) == ids([one])


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("rotations", [1, 2, 3])
def test_rotation_loses_nothing(tmp_path: Path, rotations: int, compress: bool) -> None:
    live(tmp_path, line())
    expected = []
    with following(tmp_path) as (follower, _):
        for number in range(rotations):
            one = line()
            expected.append(one)
            live(tmp_path, one)
            path = rotate(tmp_path, NOON + number)
            if compress:
                compress_indexed(path)
        last = line()
        live(tmp_path, last)
        assert ids(follower.read()) == ids([*expected, last])
        assert ids(follower.read()) == []


def test_a_rotation_without_a_new_file_yet_loses_nothing(tmp_path: Path) -> None:
    live(tmp_path, line())
    one, two = line(), line()
    with following(tmp_path) as (follower, _):
        live(tmp_path, one)
        rotate(tmp_path, NOON)
        assert ids(follower.read()) == ids([one])
        live(tmp_path, two)
        assert ids(follower.read()) == ids([two])


def test_a_file_that_is_cut_to_nothing_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = live(tmp_path, line(), line())
    one = line()
    with following(tmp_path) as (follower, _):
        shutil.copy(path, tmp_path / "transcripts.log.1")
        path.write_bytes(encoded(one))
        assert ids(follower.read()) == ids([one])


def test_damage_is_reported_by_its_line(tmp_path: Path) -> None:
    path = live(tmp_path, line(), line())
    one = line()
    with following(tmp_path) as (follower, told):
        live(tmp_path, b"garbage", one)
        assert ids(follower.read()) == ids([one])
    assert told == [f"{path}, line 3: it is cut off"]


def test_under_a_writer_that_rotates_all_the_time_every_line_comes_once_and_in_order(
    tmp_path: Path,
) -> None:
    written = [line(total_ms=0, exchange_id=id_at(NOON + each)) for each in range(300)]

    def write() -> None:
        for number, one in enumerate(written):
            live(tmp_path, one)
            if number % 7 == 6:
                compress_indexed(rotate(tmp_path, NOON + number))
            elif number % 5 == 4:
                time.sleep(0.02)

    found = []
    with following(tmp_path) as (follower, told):
        writer = threading.Thread(target=write)
        writer.start()
        while writer.is_alive():
            found += ids(follower.read())
        found += ids(follower.read())
    assert found == ids(written)
    assert told == []
