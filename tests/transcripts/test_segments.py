"""A rotated segment is compressed so that any gzip reads it, and one line of it can be read alone."""

from __future__ import annotations

import gzip
import os
import subprocess
import zlib
from math import inf
from pathlib import Path
from uuid import UUID

import pytest

from tests.transcripts.lines import NOON, encoded, line, rotated
from usage.transcripts.raw_lines import MEMBER, read_at
from usage.transcripts.segments import (
    ENTRY,
    LIVE,
    MEMBER_BYTES,
    compress_indexed,
    index_path,
    segments,
)

LINES = [line(NOON + second, end_user="x" * 20_000) for second in range(60)]


def test_zcat_gives_the_segment_back(tmp_path: Path) -> None:
    path = rotated(tmp_path, NOON, *LINES)
    before = path.read_bytes()
    finished = compress_indexed(path)
    assert finished.name == f"{path.name}.gz"
    assert subprocess.run(["zcat", finished], capture_output=True, check=True).stdout == before


def test_members_hold_whole_lines_of_about_256_kib_and_can_be_read_alone(tmp_path: Path) -> None:
    packed = compress_indexed(rotated(tmp_path, NOON, *LINES)).read_bytes()
    starts = [at for at in range(len(packed)) if packed.startswith(MEMBER, at)]
    sizes = []
    for start, end in zip(starts, [*starts[1:], len(packed)], strict=True):
        member = zlib.decompress(packed[start:end], 31)
        assert member.startswith(b'{"v":1')
        assert member.endswith(b"}\n")
        sizes.append(len(member))
    assert len(sizes) > 4
    assert all(MEMBER_BYTES - 25_000 < size <= MEMBER_BYTES for size in sizes[:-1])


def test_the_index_says_where_each_exchange_is(tmp_path: Path) -> None:
    finished = compress_indexed(rotated(tmp_path, NOON, *LINES))
    entries = list(ENTRY.iter_unpack(index_path(finished).read_bytes()))
    assert ENTRY.size == 32
    assert [UUID(bytes=each[0]) for each in entries] == [UUID(one["exchange_id"]) for one in LINES]
    for (_, *place), one in zip(entries, LINES, strict=True):
        assert read_at(finished, *place) + b"\n" == encoded(one)


def test_a_damaged_line_stays_and_has_no_entry(tmp_path: Path) -> None:
    cut = b'{"v":1,"exchange_id":"01'
    path = rotated(tmp_path, NOON, LINES[0], cut, b"\xff\x00", LINES[1])
    before = path.read_bytes()
    finished = compress_indexed(path)
    assert gzip.decompress(finished.read_bytes()) == before
    assert index_path(finished).stat().st_size == 2 * ENTRY.size


def test_mode_and_time_are_kept_and_the_source_goes(tmp_path: Path) -> None:
    path = rotated(tmp_path, NOON, *LINES)
    path.chmod(0o640)
    os.utime(path, (NOON, NOON))
    finished = compress_indexed(path)
    assert sorted(tmp_path.iterdir()) == [finished, index_path(finished)]
    for made in (finished, index_path(finished)):
        assert made.stat().st_mode & 0o777 == 0o640
        assert made.stat().st_mtime == NOON


@pytest.mark.parametrize("left", [".gz.part", ".gz.idx.part", ".gz.idx", ".gz"])
def test_what_a_crash_left_is_made_again(tmp_path: Path, left: str) -> None:
    path = rotated(tmp_path, NOON, *LINES)
    before = path.read_bytes()
    path.with_name(path.name + left).write_bytes(b"half")
    finished = compress_indexed(path)
    assert gzip.decompress(finished.read_bytes()) == before
    assert index_path(finished).stat().st_size == len(LINES) * ENTRY.size
    assert len(list(tmp_path.iterdir())) == 2


def test_after_a_crash_before_the_end_only_the_source_has_to_go(tmp_path: Path) -> None:
    path = rotated(tmp_path, NOON, *LINES)
    again = path.read_bytes()
    finished = compress_indexed(path)
    stamp = finished.stat().st_ino
    path.write_bytes(again)
    assert compress_indexed(path) == finished
    assert finished.stat().st_ino == stamp
    assert not path.exists()


def test_where_nothing_can_be_written_nothing_is_lost(tmp_path: Path) -> None:
    path = rotated(tmp_path, NOON, *LINES)
    before = path.read_bytes()
    path.with_name(f"{path.name}.gz.idx.part").mkdir()  # in the way, for root as well
    with pytest.raises(OSError):
        compress_indexed(path)
    assert path.read_bytes() == before
    assert not path.with_name(f"{path.name}.gz").exists()


def test_an_empty_segment_is_compressed_to_nothing(tmp_path: Path) -> None:
    finished = compress_indexed(rotated(tmp_path, NOON))
    assert finished.read_bytes() == index_path(finished).read_bytes() == b""


def test_segments_come_as_they_were_written_and_nothing_else_does(tmp_path: Path) -> None:
    old = compress_indexed(rotated(tmp_path, NOON - 60, LINES[0]))
    rotated(tmp_path, NOON + 0.5, LINES[1])
    half = rotated(tmp_path, NOON, LINES[2])
    compress_indexed(rotated(tmp_path, NOON, LINES[2]))
    half.write_bytes(b"a crash left it beside its compressed form")
    for name in (
        LIVE,
        "transcripts.log.2.gz",
        "patchbay.log",
        "transcripts-99999999T999999.000000Z.log",
    ):
        (tmp_path / name).write_bytes(b"")

    found = segments(tmp_path)
    assert [each.path.name for each in found] == [
        "transcripts.log.2.gz",
        old.name,
        "transcripts-20260701T120000.000000Z.log.gz",
        "transcripts-20260701T120000.500000Z.log",
        LIVE,
    ]
    assert [each.end for each in found] == [inf, NOON - 60, NOON, NOON + 0.5, inf]


@pytest.mark.parametrize(
    "names",
    [
        (
            "transcripts.log.11.gz",
            "transcripts.log.10.gz",
            "transcripts.log.2.gz",
            "transcripts.log.1",
        ),
        ("transcripts.log-20260630.gz", "transcripts.log-20260701.gz", "transcripts.log-20260702"),
        ("transcripts.log-2026-06-30-23.gz", "transcripts.log-2026-07-01-9", "transcripts.log.1"),
        ("transcripts.log-1782820800", "transcripts.log-1782907200"),
        ("transcripts.log-20260701.gz", "transcripts.log.1", "transcripts.log.gz"),
    ],
)
def test_what_others_have_moved_or_compressed_comes_with_the_oldest_first(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in (*sorted(names), "transcripts.log", "transcripts.log.lock", "transcripts.log-"):
        (tmp_path / name).touch()
    assert [each.path.name for each in segments(tmp_path)] == [*names, "transcripts.log"]
