"""`clean_logs`: what is past its count or age goes, and it says what; nothing else is touched."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from usage.log_lock import locked, tidy_lock, write_lock

NAMES = [f"patchbay-202611{day:02}T000000.000000Z.log.gz" for day in range(1, 6)]


def clean(directory: Path, *arguments: str, **changed: object) -> list[str]:
    out = io.StringIO()
    with override_settings(LOGGING={**settings.LOGGING, "directory": directory, **changed}):
        call_command("clean_logs", *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    for name in (*NAMES, "patchbay.log", "patchbay.log.1", "notes.txt"):
        (tmp_path / name).write_bytes(b"x" * 10)
    return tmp_path


def test_a_dry_run_says_what_would_go_and_removes_nothing(logs: Path):
    before = sorted(logs.iterdir())
    said = clean(logs, "--dry-run", backup_count=3, max_age_days=0)
    assert said == [
        f"would remove {logs / NAMES[1]} (10 bytes, more than 3 are kept)",
        f"would remove {logs / NAMES[0]} (10 bytes, more than 3 are kept)",
        "would remove 2 files, 20 bytes",
        f"4 files of {logs / 'patchbay.log'} stay, 40 bytes",
    ]
    assert sorted(logs.iterdir()) == before


def test_it_removes_ours_alone_and_reports(logs: Path):
    said = clean(logs, backup_count=3, max_age_days=0)
    assert said[0] == f"removed {logs / NAMES[1]} (10 bytes, more than 3 are kept)"
    assert said[-2:] == [
        "removed 2 files, 20 bytes",
        f"4 files of {logs / 'patchbay.log'} stay, 40 bytes",
    ]
    left = {path.name for path in logs.iterdir() if not path.name.startswith(".")}
    assert left == {*NAMES[2:], "patchbay.log", "patchbay.log.1", "notes.txt"}


def test_transcripts_go_with_their_indexes(logs: Path):
    names = [name.replace("patchbay-", "transcripts-") for name in NAMES]
    for name in names:
        (logs / name).write_bytes(b"x" * 10)
        (logs / f"{name}.idx").write_bytes(b"x")
    said = clean(logs, backup_count=4, max_age_days=0)
    assert f"removed {logs / names[0]} (10 bytes, more than 4 are kept)" in said
    assert said[-1].startswith(f"8 files of {logs / 'transcripts.log'} stay")
    left = {path.name for path in logs.iterdir() if path.name.startswith("transcripts-")}
    assert left == {name + ending for name in names[1:] for ending in ("", ".idx")}


def test_what_is_too_old_goes_whatever_the_count(logs: Path):
    said = clean(logs, backup_count=100, max_age_days=0.001)
    assert said[0].endswith("(10 bytes, older than 0.001 days)")
    assert said[-2] == "removed 5 files, 50 bytes"


def test_where_there_are_no_logs_it_says_so_and_makes_nothing(tmp_path: Path):
    assert clean(tmp_path / "logs") == [
        "removed 0 files, 0 bytes",
        f"0 files of {tmp_path / 'logs/patchbay.log'} stay, 0 bytes",
    ]
    assert not (tmp_path / "logs").exists()


def test_what_cannot_be_removed_is_a_sentence(logs: Path):
    (logs / NAMES[0]).unlink()
    (logs / NAMES[0]).mkdir()
    with pytest.raises(CommandError, match="The log files cannot be removed"):
        clean(logs, backup_count=1)


def test_one_file_stays_and_several_stay(tmp_path: Path):
    (tmp_path / "patchbay.log").write_bytes(b"x" * 10)
    assert clean(tmp_path)[-1] == f"1 file of {tmp_path / 'patchbay.log'} stays, 10 bytes"


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf", "soon"])
def test_a_bound_that_is_none_is_refused(logs: Path, seconds: str):
    with pytest.raises(CommandError, match="argument --wait: invalid"):
        clean(logs, f"--wait={seconds}")


@pytest.mark.parametrize("lock", [write_lock, tidy_lock], ids=["written", "tidied"])
def test_a_file_that_another_program_holds_is_waited_for_within_a_bound(logs: Path, lock):
    old = time.time() - 60 * 86_400
    os.utime(logs / "patchbay.log", (old, old))
    held = lock(logs / "patchbay.log")
    with locked(held):
        with pytest.raises(CommandError, match="another process holds") as refused:
            clean(logs, "--wait", "0.2", backup_count=1)
        assert str(held) in str(refused.value)
    assert "removed 5 files" in clean(logs, "--wait", "0.2", backup_count=1)[-2]


@pytest.mark.parametrize("name", ["patchbay.log", "transcripts.log"])
def test_a_live_file_that_nobody_writes_to_grows_old_as_well(logs: Path, name: str):
    (logs / name).write_bytes(b"said long ago\n")
    old = time.time() - 60 * 86_400
    os.utime(logs / name, (old, old))
    clean(logs, max_age_days=30)
    assert not any("said long ago" in path.read_text() for path in logs.iterdir())


@pytest.mark.parametrize(
    "limits",
    [{"max_age_days": 30}, {"max_age_days": 0, "backup_count": 3}, {"max_bytes": 0}],
    ids=["too old", "too many", "rotated by others"],
)
@pytest.mark.parametrize("days", [1, 60])
def test_a_dry_run_foretells_what_becomes_of_a_live_file_that_grew_old(
    logs: Path, limits: dict[str, float], days: int
):
    then = time.time() - days * 86_400
    os.utime(logs / "patchbay.log", (then, then))
    foretold = clean(logs, "--dry-run", **limits)
    told = clean(logs, **limits)
    assert foretold[-2:] == [told[-2].replace("removed", "would remove"), told[-1]]
    gone = [text.split()[2] for text in foretold[:-2]]
    assert not any(Path(path).exists() for path in gone)
    assert len(told) == len(foretold)


def test_where_another_program_rotates_it_does_so_alone(logs: Path):
    old = time.time() - 60 * 86_400
    os.utime(logs / "patchbay.log", (old, old))
    clean(logs, max_age_days=30, max_bytes=0)
    assert (logs / "patchbay.log").exists()
