"""Trouble with the disk: nobody waits, what is lost is counted and owned up to, and it heals by itself."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from proxyproject.log_health import Place
from proxyproject.log_outputs import Outputs
from tests.docs.pages import ROOT
from tests.logs.shelf import gaps, line, numbers, outputs, wait_until

HEALS_WITHIN = 5.0
SLOW = 0.2
"""Seconds; far more than any put may take."""
CAN_MOUNT = shutil.which("unshare") is not None and not subprocess.call(
    ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], stderr=subprocess.DEVNULL
)
needs_mount = pytest.mark.skipif(not CAN_MOUNT, reason="this machine lets nobody mount a tmpfs")


def linked(tmp_path: Path) -> Path:
    """A directory for logs that can be swapped for something else in one step: a link to it."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "logs").symlink_to("disk")
    return tmp_path / "logs"


@contextmanager
def in_the_way(directory: Path) -> Iterator[None]:
    """A file lies where the linked directory was; its permissions would not stop root."""
    directory.with_name("file").write_text("in the way")
    _lead(directory, "file")
    yield
    _lead(directory, "disk")


def _lead(link: Path, target: str) -> None:
    """At no moment is there nothing, where the log would make a directory of its own."""
    new = link.with_name("new")
    new.symlink_to(target)
    os.replace(new, link)


def say(made: Outputs, first: int, last: int) -> None:
    """Say lines with these numbers, none of which may take long."""
    for number in range(first, last):
        began = time.monotonic()
        made.put(20, line(number))
        assert time.monotonic() - began < SLOW


def test_lines_of_a_short_trouble_are_late_but_there(tmp_path: Path):
    logs = linked(tmp_path)
    made = outputs(logs)
    say(made, 0, 10)
    wait_until(lambda: numbers(logs) == list(range(10)))
    with in_the_way(logs):
        say(made, 10, 200)
        wait_until(lambda: made.state().problem, "the trouble")
    took = wait_until(lambda: numbers(logs) == list(range(200)), "the recovery")
    made.stop()
    assert took < HEALS_WITHIN
    assert gaps(logs) == []
    assert (made.state().written, made.state().dropped) == ({"file": 200}, {"file": 0})


def test_lines_of_a_long_trouble_are_counted_and_one_line_says_what_is_missing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    logs = linked(tmp_path)
    made = outputs(logs, queue_size=100)
    say(made, 0, 10)
    wait_until(lambda: numbers(logs) == list(range(10)))
    with in_the_way(logs):
        say(made, 10, 20)
        wait_until(lambda: made.state().problem, "the trouble")
        say(made, 20, 5000)
        lost = made.state().dropped["file"]
    assert wait_until(lambda: gaps(logs), "the recovery") < HEALS_WITHIN
    say(made, 5000, 5010)
    made.stop()
    [gap] = gaps(logs)
    assert gap["dropped"] == lost == 5010 - len(numbers(logs))
    assert 0 < gap["seconds"] < HEALS_WITHIN
    assert numbers(logs)[-10:] == list(range(5000, 5010))
    first, *_, last = capfd.readouterr().err.splitlines()
    assert "the log's file cannot be written (" in first
    assert last == "patchbay: the log's file is written again"


def test_a_directory_that_is_removed_is_made_anew(tmp_path: Path):
    logs = tmp_path / "logs"
    made = outputs(logs)
    say(made, 0, 10)
    wait_until(lambda: numbers(logs) == list(range(10)))
    shutil.rmtree(logs)
    say(made, 10, 20)
    made.stop()
    assert numbers(logs) == list(range(10, 20))


FULL = """
import os, subprocess, sys
from pathlib import Path
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", sys.argv[1]], check=True)
from tests.logs.shelf import gaps, line, numbers, outputs, wait_until

disk = Path(sys.argv[1])
logs, ballast = disk / "logs", disk / "ballast"
made = outputs(logs, queue_size=100, max_bytes=int(sys.argv[2]))
ballast.write_bytes(b"x" * 150_000)
said = 0
while not made.state().dropped["file"]:  # until disk and queue are full
    made.put(20, line(said))
    said += 1
    if said % 50 == 0:
        made.flush()
assert made.state().problem == "the log's file cannot be written (No space left on device)", made.state()
for path in logs.iterdir():
    if path.name.endswith(".log"):
        assert path.read_bytes()[-1:] == b"\\n", "half a line is left"
ballast.unlink()
took = wait_until(lambda: gaps(logs), "the recovery")
assert took < 5, took
made.stop()
[gap] = gaps(logs)
state = made.state()
assert gap["dropped"] == state.dropped["file"] == said - len(numbers(logs)), (gap, state)
assert state.written["file"] + state.dropped["file"] == said
assert len(set(numbers(logs))) == len(numbers(logs))
print("lines", said, "lost", gap["dropped"])
"""


def apart(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process that mounts for itself alone; what it mounted goes with it."""
    return subprocess.run(
        ["unshare", "-m", sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@needs_mount
@pytest.mark.parametrize("max_bytes", [0, 20_000], ids=["one file", "rotated"])
def test_a_full_disk_costs_what_is_counted_and_heals(tmp_path: Path, max_bytes: int):
    ended = apart(FULL, str(tmp_path), str(max_bytes))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "cannot be written (No space left on device)" in ended.stderr
    assert "is written again" in ended.stderr


READ_ONLY = """
import subprocess, sys
from pathlib import Path
from proxyproject.log_health import Place
from tests.logs.shelf import line, numbers, outputs, wait_until

logs = Path(sys.argv[1])
made = outputs(logs)
made.put(20, line(0))
wait_until(lambda: numbers(logs) == [0])
subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", sys.argv[1]], check=True)
assert Place("log", logs / "patchbay.log", 0).problem().text == "the directory of the log cannot be written"
made.put(20, line(1))
wait_until(lambda: made.state().problem)
subprocess.run(["umount", sys.argv[1]], check=True)
wait_until(lambda: numbers(logs) == [0, 1], "the recovery")
made.stop()
"""


@needs_mount
def test_a_disk_that_may_only_be_read_for_a_while_costs_nothing(tmp_path: Path):
    ended = apart(READ_ONLY, str(tmp_path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "cannot be written (" in ended.stderr


def test_what_is_not_well_is_said_in_a_sentence_without_a_path(tmp_path: Path):
    path = tmp_path / "logs/patchbay.log"
    place = Place("log", path, 0)
    assert place.problem().text == ""
    full = place._replace(min_free_mb=1_000_000_000).problem()
    assert "less than LOG_MIN_FREE_MB (1000000000)" in full.text
    path.mkdir()
    assert place.problem().text == "the file of the log cannot be written"
    path.rmdir()
    path.parent.rmdir()
    path.parent.touch()
    problem = place.problem()
    assert problem.text == "the directory of the log cannot be used (File exists)"
    assert place.sentence(problem) == (
        f"LOG_DIR is {str(path.parent)!r}; {problem.text}. Let the user that Patchbay runs as "
        f"({os.geteuid()}) write there, or set LOG_DIR to another directory."
    )


def test_a_server_that_is_to_stop_is_stopped_and_others_are_warned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "logs").touch()
    with pytest.raises(
        ImproperlyConfigured, match=r"LOG_DIR is '.*logs'; the directory of the log"
    ):
        outputs(tmp_path / "logs", on_unhealthy="stop").start()
    made = outputs(tmp_path / "logs")
    made.start()
    assert made.state().problem.startswith("the directory of the log cannot be used")
    assert "the directory of the log cannot be used" in caplog.text
    (tmp_path / "logs").unlink()
    wait_until(lambda: not made.state().problem, "the recovery")
    made.stop()


def test_a_write_that_fails_names_the_directory_and_what_to_do(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    logs = linked(tmp_path)
    made = outputs(logs)
    say(made, 0, 1)
    wait_until(lambda: numbers(logs) == [0])
    with in_the_way(logs):
        say(made, 1, 2)
        wait_until(lambda: made.state().problem, "the trouble")
    made.stop()
    first, *_ = capfd.readouterr().err.splitlines()
    assert first == (
        f"patchbay: the log's file cannot be written (File exists). LOG_DIR is {str(logs)!r}. Let the "
        f"user that Patchbay runs as ({os.geteuid()}) write there, or set LOG_DIR to another directory."
    )
    room = Place("log", logs / "patchbay.log", 0).hint(OSError(errno.ENOSPC, "No space left"))
    assert (
        room == f". LOG_DIR is {str(logs)!r}. Make room there, or set LOG_DIR to another directory."
    )


def test_a_disk_that_is_nearly_full_is_seen_while_lines_still_go_through(tmp_path: Path):
    made = outputs(tmp_path, min_free_mb=1_000_000_000)
    made.start()
    made.put(20, line(0))
    made.stop()
    assert "less than LOG_MIN_FREE_MB" in made.state().problem
    assert numbers(tmp_path) == [0]
