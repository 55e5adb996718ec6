"""Somebody's transcripts go out of the files: theirs alone, all of them, and while others write."""

from __future__ import annotations

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from proxyproject.log_file import LogFile
from proxyproject.log_segments import Limits, Segments
from tests.docs.pages import ROOT
from tests.transcripts.erasing import (
    ADA,
    MIXED,
    OLDER,
    OTHERS,
    content,
    count,
    erase,
    fail,
    ignore,
    names,
)
from tests.transcripts.lines import NOON, compressed, encoded, line, live, rotated
from usage.transcripts.erase import Eraser, Whose
from usage.transcripts.raw_lines import Damage
from usage.transcripts.read import find, scan
from usage.transcripts.segments import compress_indexed, index_path


def named(member: str, value: str = "x") -> dict[str, Any]:
    members: dict[str, Any] = {member: value}
    return line(**members)


@pytest.mark.parametrize("made", [live, rotated, compressed])
def test_theirs_go_and_all_others_stay_to_the_byte(tmp_path: Path, made: Any):
    path = made(tmp_path, *MIXED) if made is live else made(tmp_path, OLDER, *MIXED)
    before = names(tmp_path)
    assert count(tmp_path) == erase(tmp_path) == {path.name: 10}
    assert content(path) == encoded(*OTHERS)
    assert names(tmp_path) == before
    assert erase(tmp_path) == {}


@pytest.mark.parametrize(
    ("whose", "members"),
    [
        (Whose("end_user", "ada"), {"end_user": "ada"}),
        (Whose("client_key", "ada"), {"client_key": "ada"}),
        (Whose("session", "ada"), {"session": "ada"}),
        (Whose("end_user", 'a"\\\n\u00e9\u2028'), {"end_user": 'a"\\\n\u00e9\u2028'}),
        (Whose("end_user", "a" * 300), {"end_user": "a" * 200}),
    ],
)
def test_it_is_the_whole_name_in_that_member_that_counts(
    tmp_path: Path, whose: Whose, members: dict[str, Any]
):
    theirs = line(**members)
    others = [named(each) for each in ("end_user", "client_key", "session") if each not in members]
    others += [named(each, f"{value}x"[:199]) for each, value in members.items()]
    others.append(line(request={"user": whose.value, "end_user": whose.value}))
    path = live(tmp_path, theirs, *others)
    escaped = json.dumps(line(**members)).encode()  # as another program may write it
    live(tmp_path, escaped)
    assert erase(tmp_path, whose) == {path.name: 2}
    assert path.read_bytes() == encoded(*others)


def test_a_file_in_which_nothing_is_theirs_is_not_touched(tmp_path: Path):
    paths = [live(tmp_path, *OTHERS), compressed(tmp_path, OLDER, *OTHERS)]
    before = [os.stat(path) for path in paths]
    assert erase(tmp_path) == {}
    assert [os.stat(path) for path in paths] == before


def test_of_a_file_that_was_all_theirs_nothing_is_left(tmp_path: Path):
    path = compressed(tmp_path, OLDER, *(line(end_user="ada") for _ in range(3)))
    rotated(tmp_path, OLDER + 1, line(end_user="ada"))
    written = live(tmp_path, line(end_user="ada"))
    assert erase(tmp_path)[path.name] == 3
    assert names(tmp_path) == [written.name], "who writes expects this one"
    assert written.read_bytes() == b""


def test_what_is_left_is_found_by_its_index_and_what_went_is_not(tmp_path: Path):
    path = compressed(tmp_path, OLDER, *MIXED)
    assert erase(tmp_path) == {path.name: 10}
    kept = [find(tmp_path, uuid.UUID(one["exchange_id"])) for one in MIXED]
    assert [one is not None for one in kept] == [one in OTHERS for one in MIXED]
    assert len(index_path(path).read_bytes()) == 32 * len(OTHERS)


@pytest.mark.parametrize("made", [live, rotated, compressed])
def test_mode_and_time_stay(tmp_path: Path, made: Any):
    path = made(tmp_path, *MIXED) if made is live else made(tmp_path, OLDER, *MIXED)
    path.chmod(0o640)
    os.utime(path, (NOON, NOON))
    erase(tmp_path)
    status = path.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime) == (0o640, NOON)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
@pytest.mark.parametrize("made", [live, rotated, compressed])
def test_what_root_erases_stays_the_service_s(tmp_path: Path, made: Any):
    path = made(tmp_path, *MIXED) if made is live else made(tmp_path, OLDER, *MIXED)
    for each in (tmp_path, path):
        os.chown(each, 12345, 12346)
    erase(tmp_path)
    for each in tmp_path.iterdir():
        if each.suffix != ".idx":
            assert (each.stat().st_uid, each.stat().st_gid) == (12345, 12346), each


def test_a_line_that_is_damaged_goes_if_it_says_whose_it_is_and_stays_else(tmp_path: Path):
    cut = encoded(line(end_user="ada"))[:-20]
    foreign = encoded(line(end_user="bob"))[:-20]
    path = live(tmp_path, line(), cut, foreign, b"\xff\x00", line())
    before = path.read_bytes()
    assert erase(tmp_path) == {path.name: 1}
    assert path.read_bytes() == before.replace(cut + b"\n", b"")


def test_a_line_without_an_end_stays_without_one(tmp_path: Path):
    path = live(tmp_path, line(end_user="ada"))
    torn = encoded(line())[:50]
    with path.open("ab") as file:
        file.write(torn)
    erase(tmp_path)
    assert path.read_bytes() == torn


def test_a_damaged_member_is_reported_and_the_rest_erased(tmp_path: Path):
    lines = [
        line(NOON + at, end_user="ada" if at % 2 else "bob", x="y" * 50_000) for at in range(40)
    ]
    path = compressed(tmp_path, OLDER, *lines)
    packed = bytearray(path.read_bytes())
    second = packed.index(b"\x1f\x8b\x08" + bytes(5), 1)
    packed[second + 20 : second + 60] = bytes(40)
    path.write_bytes(packed)
    told: list[Damage] = []
    gone: list[int] = []
    Eraser(tmp_path, ADA, lambda _, number: gone.append(number), told.append).erase(
        lambda done, whole: None
    )
    assert len(told) == 1
    left = list(scan([tmp_path], report=fail))
    assert {one.head.end_user for one in left} == {"bob"}
    assert gone[0] + len(left) < 40, "what could not be read is not there any more, either"
    assert len(left) > 10


@pytest.mark.parametrize("name", ["transcripts.log-20260701.gz", "transcripts.log.gz"])
def test_a_file_that_another_program_compressed_stays_without_an_index(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(gzip.compress(encoded(*MIXED)))
    assert erase(tmp_path) == {path.name: 10}
    assert content(path) == encoded(*OTHERS)
    assert names(tmp_path) == [path.name]


def test_a_compressed_copy_of_the_live_file_is_erased_from_beside_it(tmp_path: Path):
    written = live(tmp_path, *MIXED)
    copy = tmp_path / "transcripts.log.gz"
    copy.write_bytes(gzip.compress(encoded(*MIXED)))
    assert count(tmp_path) == erase(tmp_path) == {written.name: 10, copy.name: 10}
    assert content(written) == content(copy) == encoded(*OTHERS)


def test_a_file_is_erased_from_though_another_program_left_a_compressed_one_beside_it(
    tmp_path: Path,
):
    plain, packed = tmp_path / "transcripts.log.1", tmp_path / "transcripts.log.1.gz"
    plain.write_bytes(encoded(*MIXED))
    packed.write_bytes(gzip.compress(encoded(*OTHERS)))
    os.utime(packed, (NOON, NOON))
    assert erase(tmp_path) == {plain.name: 10}
    assert content(plain) == content(packed) == encoded(*OTHERS)


def test_what_a_crash_left_while_compressing_does_not_bring_them_back(tmp_path: Path):
    plain = rotated(tmp_path, OLDER, *MIXED)
    finished = compress_indexed(plain)
    plain.write_bytes(encoded(*MIXED))  # the crash came before it was removed
    erase(tmp_path)
    assert not plain.exists()
    assert content(finished) == encoded(*OTHERS)


def test_what_a_killed_run_left_is_cleared_away_and_nothing_is_lost(tmp_path: Path):
    """It is killed at any moment; whatever that is, the next run ends it."""
    script = (
        "import sys; from pathlib import Path; from tests.transcripts.erasing import erase;"
        "print('begun', flush=True); erase(Path(sys.argv[1]))"
    )
    big = [
        line(NOON + at, end_user="ada" if at % 3 == 0 else "bob", x="y" * 9000) for at in range(999)
    ]
    for wait in (0.0, 0.02, 0.05, 0.1):
        directory = tmp_path / str(wait)
        live(directory, *big)
        rotated(directory, OLDER, *big)
        path = compressed(directory, OLDER + 60, *big)
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(directory)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        erase(directory)
        kept = encoded(*(one for one in big if one["end_user"] == "bob"))
        assert len(names(directory)) == 4, names(directory)
        for name in names(directory):
            if not name.endswith(".idx"):
                assert content(directory / name) == kept, name
        assert index_path(path).exists()


@pytest.mark.parametrize("before", [MIXED, OTHERS])
def test_a_line_that_is_just_being_written_goes_or_stays_whole(tmp_path: Path, before: list[Any]):
    """A size that is asked for meanwhile may lie within it."""
    bob = line(NOON, end_user="bob")
    last = encoded(bob, line(NOON, end_user="ada", x="y" * 99))
    path = live(tmp_path, *before)
    path.write_bytes(path.read_bytes() + last[: len(last) // 2])
    rest = [last[len(last) // 2 :]]

    def write_on(done: int, whole: int) -> None:
        while rest:
            with path.open("ab") as file:
                file.write(rest.pop())

    Eraser(tmp_path, ADA, ignore, fail).erase(write_on)
    assert path.read_bytes() == encoded(*OTHERS, bob)


WRITER = """
import sys, time
from pathlib import Path
from tests.transcripts.test_erase import writing
writing(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
"""


def writing(directory: Path, number: int, seconds: float) -> None:
    """A gateway's writer: it appends, rotates and compresses as one does. Prints how much it wrote."""
    segments = Segments(directory / "transcripts.log", Limits(10_000, 0, compress=True))
    log = LogFile(segments, 200_000)
    until, written = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        portion = [
            line(
                end_user="bob" if at % 4 else "ada",
                exchange_id=str(uuid.uuid4()),
                model=f"{number}-{written + at}",
            )
            for at in range(20)
        ]
        log.write(encoded(*portion))
        written += len(portion)
        if log.rotated.is_set():
            log.rotated.clear()
            segments.tidy(time.time())
        time.sleep(0.002)
    sys.stdout.write(str(written))


def test_no_line_of_others_is_lost_while_several_processes_write_rotate_and_compress(
    tmp_path: Path,
):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(number), "4"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        for number in range(3)
    ]
    runs = erased = 0
    while any(writer.poll() is None for writer in writers):
        if (tmp_path / "transcripts.log").exists():
            runs, erased = runs + 1, erased + sum(erase(tmp_path).values())
    written = [int(writer.communicate()[0]) for writer in writers]
    erased += sum(erase(tmp_path).values())
    left = _models(scan([tmp_path], report=fail))
    wanted = [f"{number}-{at}" for number, all in enumerate(written) for at in range(all) if at % 4]
    assert sorted(left) == sorted(wanted), "each is there once"
    assert erased == sum(written) - len(wanted)
    assert runs > 3
    assert erased > 100


def _models(lines: Iterable[Any]) -> list[str]:
    return [one.head.model for one in lines]


def test_whoever_writes_goes_on_in_the_new_file(tmp_path: Path):
    log = LogFile(Segments(tmp_path / "transcripts.log", Limits(5, 0, compress=False)), 10**6)
    log.write(encoded(*MIXED))
    erase(tmp_path)
    log.write(encoded(MIXED[0], MIXED[1]))
    assert (tmp_path / "transcripts.log").read_bytes() == encoded(*OTHERS, MIXED[0], MIXED[1])


def test_nothing_is_added_but_the_locks_that_a_writer_has_as_well(tmp_path: Path):
    live(tmp_path, *MIXED)
    erase(tmp_path)
    hidden = {path.name for path in tmp_path.iterdir() if path.name.startswith(".")}
    assert hidden == {".transcripts.log.lock", ".transcripts.log.tidy.lock"}
