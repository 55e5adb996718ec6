"""The file: whole lines at the place where it is looked for, whoever moves, cuts or removes it."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxyproject.log_file import LogFile, NotWritten
from tests.logs.shelf import files, segments, text_of

DAY = 86_400


def log(directory: Path, max_bytes: int = 0) -> LogFile:
    return LogFile(segments(directory), max_bytes)


def rows(first: int, last: int) -> bytes:
    """Lines of ten bytes each."""
    return b"".join(b"%09d\n" % number for number in range(first, last))


def all_rows(directory: Path) -> bytes:
    return b"".join(text_of(path) for path in files(directory))


def test_it_is_made_with_its_directory_by_the_first_line_for_its_owner_and_group(tmp_path: Path):
    file = log(tmp_path / "a/logs")
    assert not (tmp_path / "a").exists()
    file.write(rows(0, 1))
    assert file.path.stat().st_mode & 0o777 == 0o640
    assert file.path.parent.stat().st_mode & 0o777 == 0o750


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_the_owner_of_the_directory(tmp_path: Path):
    os.chown(tmp_path, 12345, 12346)
    file = log(tmp_path)
    file.write(rows(0, 1))
    assert {(path.stat().st_uid, path.stat().st_gid) for path in tmp_path.iterdir()} == {
        (12345, 12346)
    }


def test_it_is_rotated_before_it_would_be_larger_than_it_may(tmp_path: Path):
    file = log(tmp_path, max_bytes=100)
    for number in range(45):
        file.write(rows(number, number + 1))
    assert [len(text_of(path)) for path in files(tmp_path)] == [100, 100, 100, 100, 50]
    assert all_rows(tmp_path) == rows(0, 45)


def test_what_comes_at_once_is_parted_between_lines(tmp_path: Path):
    log(tmp_path, max_bytes=105).write(rows(0, 45))
    assert [len(text_of(path)) for path in files(tmp_path)] == [100, 100, 100, 100, 50]
    assert all_rows(tmp_path) == rows(0, 45)


def test_a_line_that_is_larger_than_a_file_may_be_has_a_file_of_its_own(tmp_path: Path):
    file = log(tmp_path, max_bytes=50)
    file.write(rows(0, 1) + b"x" * 99 + b"\n" + rows(1, 2))
    assert [len(text_of(path)) for path in files(tmp_path)] == [10, 100, 10]


def test_it_is_rotated_with_the_first_line_of_a_new_day(tmp_path: Path):
    file = log(tmp_path, max_bytes=10_000)
    file.write(rows(0, 1))
    file.write(rows(1, 2))
    assert len(files(tmp_path)) == 1
    os.utime(file.path, (time.time() - DAY, time.time() - DAY))
    file.write(rows(2, 3))
    assert [text_of(path) for path in files(tmp_path)] == [rows(0, 2), rows(2, 3)]


def test_with_no_largest_size_it_is_never_rotated(tmp_path: Path):
    file = log(tmp_path)
    file.write(rows(0, 50_000))
    os.utime(file.path, (time.time() - DAY, time.time() - DAY))
    file.write(rows(50_000, 50_001))
    assert files(tmp_path) == [file.path]


def test_where_rotation_fails_lines_go_on_into_the_file_that_there_is(tmp_path: Path):
    file = log(tmp_path, max_bytes=100)
    file.write(rows(0, 10))
    os.rename(tmp_path / "patchbay.log", tmp_path / "kept")
    (tmp_path / "patchbay.log").mkdir()  # stands for anything that cannot be renamed or opened
    with pytest.raises(NotWritten):
        file.write(rows(10, 11))
    (tmp_path / "patchbay.log").rmdir()
    os.rename(tmp_path / "kept", tmp_path / "patchbay.log")
    file.write(rows(10, 11))
    assert all_rows(tmp_path) == rows(0, 11)


@pytest.mark.parametrize("makes_new", [True, False], ids=["create", "nocreate"])
def test_after_logrotate_it_goes_on_in_a_new_file(tmp_path: Path, makes_new: bool):
    file = log(tmp_path)
    file.write(rows(0, 5))
    os.rename(file.path, tmp_path / "patchbay.log.1")
    if makes_new:
        file.path.touch(0o600)
    file.write(rows(5, 9))
    assert (tmp_path / "patchbay.log.1").read_bytes() == rows(0, 5)
    assert file.path.read_bytes() == rows(5, 9)


def test_after_a_removal_or_a_cut_from_outside_it_goes_on(tmp_path: Path):
    file = log(tmp_path / "logs")
    file.write(rows(0, 5))
    file.path.unlink()
    file.write(rows(5, 6))
    assert file.path.read_bytes() == rows(5, 6)
    os.truncate(file.path, 0)  # logrotate's copytruncate
    file.write(rows(6, 7))
    assert file.path.read_bytes() == rows(6, 7)
    shutil.rmtree(tmp_path / "logs")
    file.write(rows(7, 8))
    assert file.path.read_bytes() == rows(7, 8)


def test_two_writers_that_rotate_find_each_other_s_files(tmp_path: Path):
    first, second = log(tmp_path, 100), log(tmp_path, 100)
    for number in range(0, 40, 2):
        first.write(rows(number, number + 1))
        second.write(rows(number + 1, number + 2))
    assert [len(text_of(path)) for path in files(tmp_path)] == [100] * 4
    assert all_rows(tmp_path) == rows(0, 40)


def test_half_a_line_of_a_process_that_was_killed_does_not_spoil_the_next(tmp_path: Path):
    file = log(tmp_path)
    file.write(rows(0, 1))
    with file.path.open("ab") as other:
        other.write(b"half a li")
    file.write(rows(1, 2))
    assert file.path.read_bytes() == rows(0, 1) + b"half a li\n" + rows(1, 2)


def test_a_file_in_the_place_of_its_directory_is_a_failure_until_it_goes(tmp_path: Path):
    place = tmp_path / "logs"
    place.write_text("in the way")
    file = log(place)
    with pytest.raises(NotWritten) as failure:
        file.write(rows(0, 1))
    assert (failure.value.written, failure.value.strerror) == (0, "File exists")
    place.unlink()
    file.write(rows(0, 1))
    assert file.path.read_bytes() == rows(0, 1)


def test_it_leaves_no_descriptor_open_but_its_own(tmp_path: Path):
    before = set(os.listdir("/proc/self/fd"))
    file = log(tmp_path, 100)
    for number in range(300):
        file.write(rows(number, number + 1))
    file.close()
    assert len(set(os.listdir("/proc/self/fd")) - before) == 0


def test_a_file_of_an_earlier_day_is_named_after_its_last_line(tmp_path: Path):
    """So that its age counts from when it was written, however late it is rotated."""
    old = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
    (tmp_path / "patchbay.log").write_bytes(b"old\n")
    os.utime(tmp_path / "patchbay.log", (old, old))
    ours = segments(tmp_path)
    file = LogFile(ours, 1000)
    file.write(b"new\n")
    file.close()
    [rotated] = ours.all()
    assert rotated.at.timestamp() == old
    assert rotated.path.read_bytes() == b"old\n"
    assert (tmp_path / "patchbay.log").read_bytes() == b"new\n"
