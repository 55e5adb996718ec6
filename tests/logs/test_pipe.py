"""Lines between those who say them and the thread that writes: none is lost unless it is counted."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from proxyproject.log_file import NotWritten
from proxyproject.log_formats import encoder
from proxyproject.log_outputs import Outputs
from proxyproject.log_pipe import Output
from routing.log_lines import Line
from tests.logs.shelf import line, numbers, options, outputs, wait_until

SLOW = 0.2
"""Seconds; far more than any put may take."""


class Place:
    """Where an output writes; can be made to fail, after some bytes, or to block."""

    def __init__(self) -> None:
        self.data = b""
        self.failing: int | None = None
        self.room = 0
        self.open = threading.Event()
        self.open.set()

    def __call__(self, data: bytes) -> None:
        self.open.wait()
        if self.failing is not None:
            taken, self.room = min(self.room, len(data)), 0
            self.data += data[:taken]
            raise NotWritten(OSError(self.failing, os.strerror(self.failing)), taken)
        self.data += data

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.data.splitlines()]

    def numbers(self) -> list[int]:
        return [found["number"] for found in self.lines if found["event"] == "test"]


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    yield place
    place.failing = None
    place.open.set()


def output(place: Callable[[bytes], None], size: int = 1000) -> Output[Line]:
    encode = encoder("json", False)
    return Output("file", place, encode, size, 0.01, encode_gap=encode, encode_all=encode.all)


def test_no_line_is_lost_between_two_threads(place: Place):
    made, wanted = output(place, 100_000), 40_000
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(wanted):
            made.put(line(number))
    finally:
        sys.setswitchinterval(before)
    made.stop(10)
    assert place.numbers() == list(range(wanted))
    assert (made.written, made.dropped) == (wanted, 0)


def test_what_finds_the_queue_full_is_dropped_counted_and_owned_up_to_in_one_line(place: Place):
    place.open.clear()
    made = output(place, 100)
    for number in range(1000):
        made.put(line(number))
    place.open.set()
    wait_until(lambda: any(found["event"] == "log_gap" for found in place.lines))
    made.stop(10)
    [gap] = [found for found in place.lines if found["event"] == "log_gap"]
    assert gap["dropped"] == made.dropped == 1000 - len(place.numbers()) > 0
    assert made.written + made.dropped == 1000


def test_nobody_waits_for_an_output_that_is_stuck(place: Place):
    place.open.clear()
    made = output(place, 100)
    began = time.monotonic()
    for number in range(1000):
        made.put(line(number))
    assert time.monotonic() - began < SLOW


def test_what_cannot_be_written_now_is_written_later_in_its_order(place: Place):
    made = output(place)
    place.failing = errno.ENOSPC
    for number in range(500):
        made.put(line(number))
    wait_until(lambda: made.problem, "the failure")
    assert made.problem == "No space left on device"
    place.failing = None
    wait_until(lambda: len(place.numbers()) == 500, "the recovery")
    made.stop(10)
    assert place.numbers() == list(range(500))
    assert (made.problem, made.written, made.dropped) == ("", 500, 0)


@pytest.mark.parametrize("room", [1, 50, 100, 333])
def test_after_half_a_write_the_rest_follows_and_nothing_comes_twice(place: Place, room: int):
    made = output(place)
    place.failing, place.room = errno.EAGAIN, room
    for number in range(20):
        made.put(line(number))
    wait_until(lambda: made.problem, "the failure")
    place.failing = None
    made.stop(10)
    assert place.numbers() == list(range(20))
    assert made.written == 20


def test_a_stop_waits_for_a_reader_within_its_bound_and_for_a_full_disk_not_at_all(
    place: Place, capfd: pytest.CaptureFixture[str]
):
    for code, least, most in ((errno.EAGAIN, 0.3, 3.0), (errno.ENOSPC, 0.0, 0.3)):
        made = output(place)
        place.failing = code
        made.put(line(1))
        began = time.monotonic()
        made.stop(0.3)
        assert least <= time.monotonic() - began < most
        assert (made.written, made.dropped) == (0, 1)
    assert "1 line is lost" in capfd.readouterr().err


def test_a_stuck_output_does_not_hold_back_a_stop(place: Place):
    place.open.clear()
    made = output(place)
    made.put(line(1))
    began = time.monotonic()
    made.stop(0.2)
    assert time.monotonic() - began < 2


def test_standard_error_has_one_alarm_while_it_lasts_and_hears_of_the_end(
    place: Place, capfd: pytest.CaptureFixture[str]
):
    place.failing = errno.ENOSPC
    made = output(place)
    made.put(line(1))
    wait_until(lambda: made.problem)
    time.sleep(0.2)
    place.failing = None
    wait_until(lambda: not made.problem)
    made.stop(10)
    said = capfd.readouterr().err.splitlines()
    assert said == [
        "patchbay: the log's file cannot be written (No space left on device)",
        "patchbay: the log's file is written again",
    ]


def test_a_line_that_no_format_takes_is_still_said(place: Place):
    made = output(place)
    made.put(line(1))
    made.put(line(2, odd=object(), half="\ud800"))
    made.put(line(3))
    made.stop(10)
    first, second, third = place.lines
    assert (first["number"], third["number"]) == (1, 3)
    assert (second["event"], second["number"]) == ("test", "2")
    assert "\\ud800" in second["half"]


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError


def test_what_cannot_be_said_at_all_is_dropped_and_the_next_line_is_written(place: Place):
    made = output(place)
    made.put(line(1))
    made.put(line(2, odd=Unspeakable()))
    made.put(line(3))
    made.stop(10)
    assert place.numbers() == [1, 3]
    assert (made.written, made.dropped) == (2, 1)


@contextmanager
def stdout_is_a_pipe() -> Iterator[int]:
    """Yields the end that is read from."""
    read, write = os.pipe()
    kept = os.dup(1)
    os.dup2(write, 1)
    try:
        yield read
    finally:
        os.dup2(kept, 1)
        for descriptor in (kept, write, read):
            os.close(descriptor)


def test_a_terminal_that_is_stuck_does_not_stop_the_file(tmp_path: Path):
    with stdout_is_a_pipe() as read:
        made = Outputs(options(tmp_path, level="info", queue_size=100_000))
        write = made.write
        assert write is not None
        for number in range(5000):
            write(line(number))
        wait_until(lambda: len(numbers(tmp_path)) == 5000, "the file")
        assert numbers(tmp_path) == list(range(5000))
        assert made.state().written["stdout"] < 5000
        drain(read, 5000)
        made.stop()
    assert made.state().written == {"stdout": 5000, "file": 5000}


def drain(descriptor: int, wanted: int) -> None:
    """Read until so many lines of the test have come; others may be among them."""
    seen = b""
    while seen.count(b'"event":"test"') < wanted or not seen.endswith(b"\n"):
        seen += os.read(descriptor, 2**16)


def test_each_output_has_a_level_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    made = outputs(tmp_path, level="error", file_level="warning")
    assert made.write is None  # a request's line is of level info
    for level, number in ((10, 0), (20, 1), (30, 2), (40, 3)):
        made.put(level, line(number))
    made.stop()
    assert numbers(tmp_path) == [2, 3]
    assert [json.loads(text)["number"] for text in capfd.readouterr().out.splitlines()] == [3]


def test_off_is_off_and_a_log_of_which_nothing_was_said_leaves_nothing_behind(tmp_path: Path):
    made = outputs(tmp_path / "logs", file_level="off")
    made.put(50, line(1))
    made.stop()
    outputs(tmp_path / "logs").stop()
    assert not (tmp_path / "logs").exists()
