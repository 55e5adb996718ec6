"""Somebody is erased from files that others move or compress meanwhile: no line of others goes."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

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
from tests.transcripts.lines import NOON, encoded, line, live, rotated
from usage.transcripts.erase import Eraser, Moved, Whose


def half_compressed(plain: Path, packed: Path) -> Callable[[], None]:
    """Begins as logrotate does; what it returns ends it."""
    whole = gzip.compress(encoded(*MIXED))
    plain.write_bytes(encoded(*MIXED))
    writer = packed.open("wb", buffering=0)
    writer.write(whole[: len(whole) // 2])

    def end() -> None:
        with writer:
            writer.write(whole[len(whole) // 2 :])
        os.utime(packed, (NOON, NOON))
        plain.unlink()

    return end


def test_who_compresses_a_file_is_waited_for_so_that_nothing_is_lost_and_nobody_kept(
    tmp_path: Path,
):
    packed = tmp_path / "transcripts.log.1.gz"
    end = half_compressed(tmp_path / "transcripts.log.1", packed)
    later = threading.Timer(0.5, end)
    later.start()
    assert erase(tmp_path) == {packed.name: 10}
    later.join()
    assert names(tmp_path) == [packed.name]
    assert content(packed) == encoded(*OTHERS)


def test_who_compresses_for_too_long_is_named_and_left_alone(tmp_path: Path):
    plain, packed = tmp_path / "transcripts.log-20260701", tmp_path / "transcripts.log-20260701.gz"
    end = half_compressed(plain, packed)
    with pytest.raises(BlockingIOError) as refused:
        Eraser(tmp_path, ADA, ignore, fail, wait=0.1).erase(lambda done, whole: None)
    assert refused.value.filename == str(packed)
    end()
    assert content(packed) == encoded(*MIXED)


class Meddled(Whose):
    """Has something done by others when so many lines were looked at."""

    after = 0

    def do(self, after: int, meddle: Callable[[], object]) -> Meddled:
        self.after, self.meddle = after, meddle
        return self

    def means(self, line: bytes) -> bool:
        if self.after == 0:
            self.meddle()
        self.after -= 1
        return super().means(line)


def rotate_as_logrotate_does(directory: Path) -> None:
    """`rotate 2`, `compress` and `delaycompress`: all names that there are after it were there before."""
    first, second = directory / "transcripts.log.1", directory / "transcripts.log.2.gz"
    second.unlink(missing_ok=True)
    if first.exists():
        second.write_bytes(gzip.compress(first.read_bytes()))
        os.utime(second, ns=(0, first.stat().st_mtime_ns))
        first.unlink()
    (directory / "transcripts.log").rename(first)
    live(directory)


@pytest.mark.parametrize("theirs", ["some", "all"])
@pytest.mark.parametrize("after", range(42))
def test_whenever_others_rotate_nothing_of_others_is_lost_and_what_is_left_is_said(
    tmp_path: Path, after: int, theirs: str
):
    oldest, older, newest = (
        [line(NOON + begin + at, end_user="ada" if at % 2 else "bob") for at in range(6)]
        for begin in (0, 100, 200)
    )
    if theirs == "all":
        older = [one for one in older if one["end_user"] == "ada"]
    (tmp_path / "transcripts.log.2.gz").write_bytes(gzip.compress(encoded(*oldest)))
    os.utime(tmp_path / "transcripts.log.2.gz", (NOON, NOON))
    (tmp_path / "transcripts.log.1").write_bytes(encoded(*older))
    live(tmp_path, *newest)
    whose = Meddled(*ADA).do(after, lambda: rotate_as_logrotate_does(tmp_path))
    with suppress(Moved):
        erase(tmp_path, whose)
        assert count(tmp_path) == {}
    erase(tmp_path)
    kept = b"".join(content(path) for path in tmp_path.glob("transcripts*"))
    others = [one for one in older + newest if one["end_user"] == "bob"]
    assert all(encoded(one) in kept for one in others)
    assert b'"ada"' not in kept, "an id may have these three digits, too"


def test_a_file_that_is_moved_meanwhile_is_erased_from_where_it_lies_now(tmp_path: Path):
    plain, moved = tmp_path / "transcripts.log.1", tmp_path / "transcripts.log.2"
    plain.write_bytes(encoded(*MIXED))
    whose = Meddled(*ADA).do(3, lambda: plain.rename(moved))
    assert erase(tmp_path, whose) == {moved.name: 10}
    assert names(tmp_path) == [moved.name]
    assert content(moved) == encoded(*OTHERS)


def test_the_last_line_of_a_worker_in_a_file_that_was_just_moved_stays(tmp_path: Path):
    path = tmp_path / "transcripts.log.1"
    path.write_bytes(encoded(*MIXED))
    late = line(NOON + 99, end_user="bob")
    with path.open("ab", buffering=0) as worker:
        whose = Meddled(*ADA).do(2 * len(MIXED) - 1, lambda: worker.write(encoded(late)))
        assert erase(tmp_path, whose) == {path.name: 10}
    assert content(path) == encoded(*OTHERS, late)


def test_what_is_rotated_while_it_is_counted_is_counted_once(tmp_path: Path):
    moved = tmp_path / "transcripts-20260702T000000.000000Z.log"
    rotated(tmp_path, OLDER, *OTHERS)
    path = live(tmp_path, *MIXED)

    def rotate() -> None:
        path.rename(moved)
        live(tmp_path)

    assert count(tmp_path, Meddled(*ADA).do(1, rotate)) == {path.name: 10}
    assert count(tmp_path) == {moved.name: 10}


@pytest.mark.parametrize("look", [count, erase])
def test_what_is_rotated_before_the_others_are_listed_is_dealt_with_once(tmp_path: Path, look: Any):
    path, moved = live(tmp_path, *MIXED), tmp_path / "transcripts-20260702T000000.000000Z.log"
    end = half_compressed(tmp_path / "transcripts.log.1", tmp_path / "transcripts.log.1.gz")

    def rotate() -> None:
        path.rename(moved)
        live(tmp_path)
        end()

    later = threading.Timer(0.5, rotate)
    later.start()
    assert sum(look(tmp_path).values()) == 20
    later.join()
    assert sum(count(tmp_path).values()) == (20 if look is count else 0)
