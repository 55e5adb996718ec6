"""Rotated files: named by their moment, compressed whole, removed by count and age; no other file is."""

from __future__ import annotations

import fcntl
import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxyproject.log_segments import Limits, Segments
from tests.logs.shelf import segments

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
FOREIGN = (
    "patchbay.log",
    "patchbay.log.1",
    "patchbay-old.log",
    "patchbay-20261101T000000Z.log",  # no microseconds
    "patchbay-20261399T000000.000000Z.log",  # no date
    "patchbay-20261101T000000.000000Z.log.gz.old",
    "xpatchbay-20261101T000000.000000Z.log",
    "patchbay-20261101T000000.000000Z.txt",
    "transcripts-20261101T000000.000000Z.log",
)


def name(day: int, ending: str = "") -> str:
    return f"patchbay-202611{day:02}T000000.000000Z.log{ending}"


def put(directory: Path, *days: int, ending: str = "") -> None:
    for day in days:
        (directory / name(day, ending)).write_bytes(b"day %d\n" % day)


def days(directory: Path) -> list[int]:
    return sorted(int(path.name[15:17]) for path in directory.glob("patchbay-202611*.log*"))


def limits(kept: int = 100, older: float = 0, compress: bool = False) -> Limits:
    return Limits(kept, older, compress)


def test_the_newest_stay_up_to_their_count(tmp_path: Path):
    put(tmp_path, 1, 2, 3)
    put(tmp_path, 4, 5, ending=".gz")
    segments(tmp_path, limits(kept=3)).tidy(NOW)
    assert days(tmp_path) == [3, 4, 5]


def test_what_is_too_old_goes_by_the_moment_in_its_name(tmp_path: Path):
    put(tmp_path, 1, 24, 25, 26)
    segments(tmp_path, limits(older=2)).tidy(NOW)
    assert days(tmp_path) == [25, 26]


def test_without_an_age_nothing_is_too_old(tmp_path: Path):
    put(tmp_path, 1)
    segments(tmp_path, limits()).tidy(NOW)
    assert days(tmp_path) == [1]


def test_only_files_whose_whole_name_is_ours_go(tmp_path: Path):
    for foreign in FOREIGN:
        (tmp_path / foreign).touch()
    put(tmp_path, 1, 2)
    found = segments(tmp_path, limits(kept=1, older=0.001)).clean(NOW, 1.0)
    assert sorted(each.path.name for each in found) == [name(1), name(2)]
    assert {path.name for path in tmp_path.iterdir() if path.name[0] != "."} == set(FOREIGN)


def test_compressed_they_hold_the_same(tmp_path: Path):
    put(tmp_path, 1, 2)
    segments(tmp_path, limits(compress=True)).tidy(NOW)
    for day in (1, 2):
        assert gzip.decompress((tmp_path / name(day, ".gz")).read_bytes()) == b"day %d\n" % day
        assert not (tmp_path / name(day)).exists()


def test_without_compression_they_stay_as_they_are(tmp_path: Path):
    put(tmp_path, 1)
    segments(tmp_path, limits()).tidy(NOW)
    assert (tmp_path / name(1)).exists()


def test_what_a_crash_left_half_compressed_is_begun_anew(tmp_path: Path):
    put(tmp_path, 1)
    (tmp_path / name(1, ".gz.part")).write_bytes(b"\x1f\x8b half")
    segments(tmp_path, limits(compress=True)).tidy(NOW)
    assert gzip.decompress((tmp_path / name(1, ".gz")).read_bytes()) == b"day 1\n"
    assert days(tmp_path) == [1]


def test_half_of_a_file_whose_source_is_gone_goes_too(tmp_path: Path):
    (tmp_path / name(1, ".gz.part")).write_bytes(b"\x1f\x8b half")
    segments(tmp_path, limits(compress=True)).tidy(NOW)
    assert not list(tmp_path.glob("patchbay*"))


def test_what_a_crash_left_compressed_beside_its_source_is_there_once(tmp_path: Path):
    put(tmp_path, 1)
    with gzip.open(tmp_path / name(1, ".gz"), "wb") as file:
        file.write(b"day 1\n")
    segments(tmp_path, limits(compress=True)).tidy(NOW)
    assert [path.name for path in tmp_path.glob("patchbay-*")] == [name(1, ".gz")]


def test_while_another_process_tidies_this_one_leaves_it_alone(tmp_path: Path):
    put(tmp_path, 1, 2)
    lock = os.open(tmp_path / ".patchbay.log.tidy.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        segments(tmp_path, limits(kept=1, compress=True)).tidy(NOW)
        assert days(tmp_path) == [1, 2]
    finally:
        os.close(lock)
    segments(tmp_path, limits(kept=1, compress=True)).tidy(NOW)
    assert days(tmp_path) == [2]


def test_two_files_of_one_moment_have_two_names(tmp_path: Path):
    ours = segments(tmp_path)
    first = ours.fresh(NOW)
    first.with_name(first.name + ".gz").touch()
    second = ours.fresh(NOW)
    second.touch()
    assert first != second
    assert len({first, second, ours.fresh(NOW)}) == 3


def test_size_and_number_count_the_file_with_all_that_was_rotated(tmp_path: Path):
    assert segments(tmp_path / "none").size() == (0, 0)
    put(tmp_path, 1, 2)
    (tmp_path / "patchbay.log").write_bytes(b"now\n")
    (tmp_path / "patchbay.log.1").write_bytes(b"foreign\n")
    assert segments(tmp_path).size() == (16, 3)


@pytest.mark.parametrize("file_name", ["app", "my.app.log", "a-b_c.txt"])
def test_whatever_the_file_is_called_its_rotated_ones_are_known_again(
    tmp_path: Path, file_name: str
):
    ours = Segments(tmp_path / file_name, limits())
    path = ours.fresh(NOW)
    path.touch()
    assert [segment.path for segment in ours.all()] == [path]
