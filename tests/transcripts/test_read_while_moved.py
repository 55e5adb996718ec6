"""Transcripts are found while their files are rotated and compressed."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.transcripts.lines import NOON, encoded, ids, line, live, rotated
from tests.transcripts.test_read import HOUR, PAD, scanned
from usage.transcripts.read import scan
from usage.transcripts.segments import compress_indexed


def test_a_segment_that_is_compressed_while_others_are_read_is_read_all_the_same(
    tmp_path: Path,
) -> None:
    first, second = line(NOON), line(NOON + HOUR)
    rotated(tmp_path, NOON + 60, first, *[line(NOON + 1, end_user=PAD) for _ in range(30)])
    later = rotated(tmp_path, NOON + 2 * HOUR, second)
    lines = scan([tmp_path])
    next(lines)
    compress_indexed(later)
    assert ids(lines)[-1] == second["exchange_id"]


def test_the_live_segment_is_read_though_it_is_rotated_meanwhile(tmp_path: Path) -> None:
    rotated(tmp_path, NOON + 60, line(NOON))
    last = line(NOON + HOUR)
    path = live(tmp_path, last)
    lines = scan([tmp_path])
    next(lines)
    path.rename(tmp_path / "transcripts-20260701T150000.000000Z.log")
    live(tmp_path, line(NOON + 2 * HOUR))
    assert ids(lines) == ids([last])


def _ours(directory: Path) -> None:
    (directory / "transcripts.log").rename(directory / "transcripts-20260702T000000.000000Z.log")
    live(directory)


def _by_logrotate(directory: Path) -> None:
    (directory / "transcripts.log.1").rename(directory / "transcripts.log.2")
    (directory / "transcripts.log").rename(directory / "transcripts.log.1")


@pytest.mark.parametrize("rotate", [_ours, _by_logrotate])
@pytest.mark.parametrize("newest_first", [False, True])
def test_what_is_rotated_while_the_files_are_listed_is_read_all_the_same(
    tmp_path: Path, rotate: Callable[[Path], None], newest_first: bool
) -> None:
    """The first look into a segment waits, for it is a pipe, until others were rotated."""
    pipe = tmp_path / "transcripts-20260601T000000.000000Z.log"
    os.mkfifo(pipe)
    lines = [line(NOON + at) for at in range(2)]
    (tmp_path / "transcripts.log.1").write_bytes(encoded(lines[0]))
    live(tmp_path, lines[1])

    rotations = iter([rotate])
    over = threading.Event()

    def let_on() -> None:
        while not over.wait(0.005):
            with suppress(OSError):  # nobody looks into it
                writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
                try:
                    for each in rotations:
                        each(tmp_path)
                finally:
                    os.close(writer)

    other = threading.Thread(target=let_on)
    other.start()
    try:
        found, damage = scanned(tmp_path, since=NOON, newest_first=newest_first)
    finally:
        over.set()
        other.join()
    assert (sorted(found), damage) == (sorted(one["exchange_id"] for one in lines), [])


def test_a_rotation_that_makes_no_new_name_hides_nothing_either(tmp_path: Path) -> None:
    """It comes once in each scan, at any moment of it."""
    moments = random.Random(7)
    for number in range(400):
        (tmp_path / "transcripts.log.2").write_bytes(encoded(line()))
        (tmp_path / "transcripts.log.1").write_bytes(encoded(line()))
        one = line(NOON + number)
        live(tmp_path, one)
        other = threading.Timer(moments.uniform(0, 0.0006), _by_logrotate, [tmp_path])
        other.start()
        found = ids(scan([tmp_path]))
        other.join()
        assert one["exchange_id"] in found, number
        live(tmp_path)
