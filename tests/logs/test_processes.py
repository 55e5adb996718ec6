"""Four processes, one file, rotation every second or oftener: nothing torn, nothing lost, all counted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.docs.pages import ROOT
from tests.logs.shelf import files, lines, outputs, text_of, wait_until

WRITERS = 4
RATE = 2000
"""Lines a second of each writer that are never dropped: 8000 for all of them, on two cores."""
WRITER = """
import json, sys, time
from pathlib import Path
from tests.logs.shelf import line, outputs

writer, seconds, rate, max_bytes = (int(text) for text in sys.argv[2:])
size = rate // 2 or 10_000  # half a second's lines, so that a writer that falls behind drops some
made = outputs(Path(sys.argv[1]), max_bytes=max_bytes, flush_seconds=0.05, queue_size=size)
made.start()
write = made.write
began, number = time.monotonic(), 0
while (now := time.monotonic() - began) < seconds:
    for _ in range(round(now * rate) - number if rate else 100):
        write(line(number, writer=writer, text="x" * 60))
        number += 1
    time.sleep(0.002 if rate else 0)
made.stop(30)
state = made.state()
print(json.dumps([number, state.written["file"], state.dropped["file"]]))
"""


def run_writers(
    directory: Path, seconds: int, rate: int, max_bytes: int
) -> list[tuple[int, int, int]]:
    """(produced, written, dropped) of each."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(directory), *map(str, (writer, *more))],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        for writer in range(WRITERS)
        for more in [(seconds, rate, max_bytes)]
    ]
    counts = []
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        produced, written, dropped = json.loads(out)
        counts.append((produced, written, dropped))
    return counts


def check(directory: Path, counts: list[tuple[int, int, int]]) -> None:
    """Each line is there once, whole, and in its writer's order; what is missing was counted."""
    found: dict[int, list[int]] = {writer: [] for writer in range(WRITERS)}
    owned_up: Counter[int] = Counter()  # by process
    pids: dict[int, int] = {}
    for each in lines(directory):  # raises where one is torn
        if each["event"] == "log_gap":
            owned_up[each["pid"]] += each["dropped"]
        else:
            found[each["writer"]].append(each["number"])
            pids[each["writer"]] = each["pid"]
    for writer, (produced, written, dropped) in enumerate(counts):
        assert written + dropped == produced
        assert len(found[writer]) == written
        assert found[writer] == sorted(set(found[writer]))
        assert owned_up[pids[writer]] == dropped


def test_up_to_the_stated_rate_no_line_is_dropped(tmp_path: Path):
    counts = run_writers(tmp_path, seconds=3, rate=RATE, max_bytes=700_000)
    check(tmp_path, counts)
    assert sum(dropped for _, _, dropped in counts) == 0
    assert sum(produced for produced, _, _ in counts) >= 2.9 * RATE * WRITERS
    assert len(files(tmp_path)) >= 4, "rotated less than once a second"


def test_at_full_speed_what_is_written_and_what_is_dropped_are_all_that_was_said(tmp_path: Path):
    counts = run_writers(tmp_path, seconds=1, rate=0, max_bytes=700_000)
    check(tmp_path, counts)
    assert sum(dropped for _, _, dropped in counts) > 0, "this was not full speed"
    assert len(files(tmp_path)) >= 4


def test_small_files_that_are_rotated_all_the_time_lose_nothing_either(tmp_path: Path):
    counts = run_writers(tmp_path, seconds=2, rate=500, max_bytes=2000)
    check(tmp_path, counts)
    assert sum(dropped for _, _, dropped in counts) == 0
    assert len(files(tmp_path)) > 100


KILLED = """
import itertools, sys, time
from pathlib import Path
from tests.logs.shelf import line, outputs

made = outputs(Path(sys.argv[1]), max_bytes=200_000)
made.start()
for number in itertools.count():
    made.put(20, line(number, text="x" * 60))
    time.sleep(0.0001)
"""


def test_what_killed_processes_leave_is_taken_up_by_the_next(tmp_path: Path):
    """Half-compressed files, half lines and locks."""
    for _ in range(3):
        processes = [
            subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT)
            for _ in range(2)
        ]
        wait_until(lambda: len(files(tmp_path)) > 3, "rotation")
        time.sleep(0.3)
        for process in processes:
            process.kill()
            process.wait()
    made = outputs(tmp_path, max_bytes=200_000)
    made.start()
    made.put(20, {"time": time.time(), "level": "info", "event": "last"})
    wait_until(
        lambda: all(path.suffix == ".gz" for path in files(tmp_path)[:-1]),
        "compression of what was left",
    )
    made.stop()
    assert not list(tmp_path.glob("*.part"))
    texts = b"".join(map(text_of, files(tmp_path))).splitlines()
    assert json.loads(texts[-1])["event"] == "last"
    torn = [text for text in texts if not text.endswith(b"}")]
    assert len(torn) <= 6, "a kill costs one line of a process"


def test_logrotate_and_writers_that_run_lose_nothing(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path), "0", "2", "2000", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    current = tmp_path / "patchbay.log"
    wait_until(current.exists)
    moved: list[Path] = []
    while process.poll() is None:
        time.sleep(0.05)
        if current.exists() and current.stat().st_size:
            moved.append(current.rename(tmp_path / f"moved.{len(moved)}"))
            if len(moved) % 2:
                current.touch()
    assert process.stdout is not None
    produced, written, dropped = json.loads(process.stdout.read())
    process.stdout.close()
    texts = b"".join(path.read_bytes() for path in [*moved, *files(tmp_path)]).splitlines()
    assert [json.loads(text)["number"] for text in texts] == list(range(produced))
    assert (written, dropped) == (produced, 0)
    assert len(moved) > 10
