"""Each setting of the log: what it does, and that a value which cannot work stops the start."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from proxyproject.log_segments import STAMP
from tests.environment.test_start import start
from tests.logs.shelf import gaps, line, lines, numbers, outputs, wait_until

SAY = """
import logging, time
for level in ("debug", "info", "warning", "error"):
    getattr(logging.getLogger("test.said"), level)("a line of %s", level)
"""


def said(output: str) -> list[str]:
    """The levels of the lines that SAY left there."""
    return [text.rpartition(" ")[2] for text in output.splitlines() if "a line of" in text]


def levels(path: Path) -> list[str]:
    return [json.loads(text)["level"] for text in path.read_text().splitlines()]


def test_by_default_people_read_standard_output_and_machines_the_file(tmp_path: Path):
    ended = start(tmp_path, "shell", "--no-imports", "-c", SAY)
    assert said(ended.stdout) == ["info", "warning", "error"]
    assert " WARNING test.said a line of warning" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert levels(tmp_path / "logs/patchbay.log") == ["info", "warning", "error"]


def test_level_and_format_are_set_for_each_output(tmp_path: Path):
    ended = start(
        tmp_path,
        *("shell", "--no-imports", "-c", SAY),
        LOG_LEVEL="error",
        LOG_FORMAT="json",
        LOG_FILE_LEVEL="debug",
        LOG_FILE_FORMAT="pretty",
    )
    assert json.loads(ended.stdout)["message"] == "a line of error"
    file = (tmp_path / "logs/patchbay.log").read_text()
    assert said(file) == ["debug", "info", "warning", "error"]


def test_off_is_silence_and_no_file(tmp_path: Path):
    ended = start(
        tmp_path, "shell", "--no-imports", "-c", SAY, LOG_LEVEL="off", LOG_FILE_LEVEL="off"
    )
    assert ended.stdout == ""
    assert not (tmp_path / "logs").exists()


def test_a_command_that_says_nothing_leaves_no_directory_behind(tmp_path: Path):
    assert start(tmp_path, "check").returncode == 0
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({}, "var/logs/patchbay.log"),
        ({"LOG_DIRECTORY_MODE": "xdg"}, "home/.local/state/patchbay/logs/patchbay.log"),
        (
            {"LOG_DIRECTORY_MODE": "xdg", "XDG_STATE_HOME": "{}/state"},
            "state/patchbay/logs/patchbay.log",
        ),
        ({"LOG_DIR": "{}/mine"}, "mine/patchbay.log"),
        ({"LOG_DIR": "{}/mine", "LOG_DIRECTORY_MODE": "system"}, "mine/patchbay.log"),
        ({"LOG_FILE_NAME": "gateway-1.txt"}, "var/logs/gateway-1.txt"),
    ],
)
def test_the_file_is_where_directory_and_name_say(
    tmp_path: Path, settings: dict[str, str], place: str
):
    given = {name: value.format(tmp_path) for name, value in settings.items()}
    start(
        tmp_path / "var", "shell", "--no-imports", "-c", SAY, HOME=str(tmp_path / "home"), **given
    )
    assert (tmp_path / place).stat().st_size


def test_the_system_s_directory_is_its_own(tmp_path: Path):
    ended = start(
        tmp_path,
        *(
            "shell",
            "--no-imports",
            "-c",
            "from django.conf import settings; print(settings.LOG_DIR)",
        ),
        LOG_DIRECTORY_MODE="system",
    )
    assert ended.stdout.splitlines()[-1] == "/var/log/patchbay"


WRONG = {
    "LOG_LEVEL": ("loud", "must be one of debug, info, warning, error, off"),
    "LOG_FILE_LEVEL": ("INFO", "must be one of debug, info, warning, error, off"),
    "LOG_FORMAT": ("xml", "must be one of pretty, json"),
    "LOG_FILE_FORMAT": ("", "must be one of pretty, json"),
    "LOG_DIRECTORY_MODE": ("home", "must be one of default, xdg, system"),
    "LOG_DIR": ("logs", "must be a path from the root"),
    "LOG_FILE_NAME": ("../patchbay.log", "must be the name of a file"),
    "LOG_MAX_BYTES": ("-1", "must be 0, or between 4096 and 1099511627776"),
    "LOG_BACKUP_COUNT": ("0", "must be between 1 and 10000"),
    "LOG_MAX_AGE_DAYS": ("-1", "must be between 0 and 3650"),
    "LOG_COMPRESS": ("gzip", "must be yes or no"),
    "LOG_MIN_FREE_MB": ("all", "must be a whole number"),
    "LOG_ON_UNHEALTHY": ("shrug", "must be one of warn, stop"),
    "LOG_QUEUE_SIZE": ("0", "must be between 10 and 1000000"),
    "LOG_FLUSH_SECONDS": ("0", "must be between 0.01 and 1"),
}
WRONG_TOO = {
    "LOG_FILE_NAME": (".hidden", "must be the name of a file"),
    "LOG_MAX_BYTES": ("10MB", "must be a whole number"),
    "LOG_MAX_AGE_DAYS": ("nan", "must be between 0 and 3650"),
    "LOG_FLUSH_SECONDS": ("60", "must be between 0.01 and 1"),
}


WRONG_AS_WELL = {
    "LOG_MAX_BYTES": ("4095", "must be 0, or between 4096 and 1099511627776"),
}


@pytest.mark.parametrize("wrong", [WRONG, WRONG_TOO, WRONG_AS_WELL], ids=["", "too", "as well"])
def test_values_that_cannot_work_stop_the_start_each_with_a_sentence(
    tmp_path: Path, wrong: dict[str, tuple[str, str]]
):
    ended = start(tmp_path, **{name: value for name, (value, _) in wrong.items()})
    assert ended.returncode == 2
    said = dict(text.split(" is ", 1) for text in ended.stderr.splitlines()[1:])
    assert set(said) == {f"  {name}" for name in wrong}
    for name, (value, sentence) in wrong.items():
        assert sentence in said[f"  {name}"]
        assert value in said[f"  {name}"]


@pytest.mark.parametrize(
    "taken",
    [
        "transcripts.log",
        "Transcripts.log",
        "transcripts.log.tidy",
        "transcripts-20261126T101112.123456Z.log",
    ],
)
def test_the_log_does_not_take_the_place_of_transcripts_their_rotated_files_or_their_locks(
    tmp_path: Path, taken: str
):
    ended = start(tmp_path, LOG_FILE_NAME=taken)
    assert ended.returncode == 2
    said = "it must not begin with transcripts.log or transcripts-, as files beside it do."
    assert ended.stderr.splitlines()[-1] == f"  LOG_FILE_NAME is {taken!r}; {said}"


@pytest.mark.parametrize("size", ["0", "4096"])
def test_a_log_may_be_of_a_page_or_never_be_rotated(tmp_path: Path, size: str):
    assert start(tmp_path, LOG_MAX_BYTES=size).returncode == 0


def rotated(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("patchbay-*"))


def test_size_count_and_compression(tmp_path: Path):
    made = outputs(tmp_path, max_bytes=1000, backup_count=2)
    made.start()
    for number in range(60):
        made.put(20, line(number, text="x" * 100))
        time.sleep(0.001)
    made.flush()
    wait_until(
        lambda: (
            len(rotated(tmp_path)) == 2 and all(name.endswith(".gz") for name in rotated(tmp_path))
        )
    )
    made.stop()
    assert len(lines(tmp_path)) < 60
    assert lines(tmp_path)[-1]["number"] == 59


def test_without_compression_files_stay_as_they_are(tmp_path: Path):
    made = outputs(tmp_path, max_bytes=1000, compress=False)
    made.start()
    for number in range(30):
        made.put(20, line(number, text="x" * 100))
    made.stop()
    time.sleep(0.6)  # the keeper has looked
    assert len(rotated(tmp_path)) >= 3
    assert all(name.endswith(".log") for name in rotated(tmp_path))


def test_the_age_is_looked_at_when_a_server_starts(tmp_path: Path):
    now = datetime.now(UTC)
    for days in (1, 3):
        at = (now - timedelta(days=days)).strftime(STAMP)
        (tmp_path / f"patchbay-{at}.log").write_text("{}\n")
    made = outputs(tmp_path, max_age_days=2)
    made.start()
    wait_until(lambda: len(rotated(tmp_path)) == 1, "the removal")
    made.stop()


def test_the_queue_holds_as_many_lines_as_it_is_told(tmp_path: Path):
    (tmp_path / "logs").touch()  # in the way
    made = outputs(tmp_path / "logs", queue_size=50)
    for number in range(20):
        made.put(20, line(number))
    wait_until(lambda: made.state().problem)
    for number in range(20, 200):
        made.put(20, line(number))
    assert made.state().dropped == {"file": 130}  # 20 in hand, 50 in the queue
    os.unlink(tmp_path / "logs")
    made.stop()
    assert [gap["dropped"] for gap in gaps(tmp_path / "logs")] == [130]


def has(directory: Path, number: int) -> bool:
    return number in numbers(directory)


@pytest.mark.parametrize("seconds", [0.05, 0.8])
def test_a_line_waits_as_long_as_it_is_told(tmp_path: Path, seconds: float):
    made = outputs(tmp_path, flush_seconds=seconds)
    made.start()
    took = []
    for number in range(3):
        made.put(20, line(number))
        took.append(wait_until(partial(has, tmp_path, number), "the line"))
    made.stop()
    assert max(took) < seconds + 1
    assert max(took[1:]) > seconds / 2
