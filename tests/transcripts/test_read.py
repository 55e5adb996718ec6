"""Transcripts are found in log files: one without reading all, all in their order, past any damage."""

from __future__ import annotations

import gzip
import random
import shutil
import tracemalloc
import zlib
from bisect import bisect
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcripts.lines import NOON, compressed, encoded, id_at, ids, line, live, rotated
from usage.transcripts.raw_lines import BLOCK, MEMBER, Damage, SegmentReader
from usage.transcripts.read import find, find_all, scan
from usage.transcripts.segments import Segment, compress_indexed, index_path

HOUR = 3600.0
PAD = "x" * 20_000
"""Makes lines so long that a compressed segment has several members."""


def three_hours(directory: Path) -> list[dict[str, Any]]:
    """A compressed segment, a plain one and the live one: an hour each, a line every three minutes."""
    lines = [line(NOON + minute * 60, end_user=PAD) for minute in range(0, 180, 3)]
    compressed(directory, NOON + HOUR, *lines[:20])
    rotated(directory, NOON + 2 * HOUR, *lines[20:40])
    live(directory, *lines[40:])
    return lines


def scanned(*paths: Path, **options: Any) -> tuple[list[str], list[str]]:
    """The ids that a scan finds, and what it reports."""
    damage: list[Damage] = []
    found = ids(scan(paths, report=damage.append, **options))
    return found, [str(each) for each in damage]


def test_one_is_found_wherever_it_is(tmp_path: Path) -> None:
    for one in three_hours(tmp_path):
        found = find(tmp_path, UUID(one["exchange_id"]))
        assert found is not None
        assert found.data + b"\n" == encoded(one)
    assert find(tmp_path, UUID(id_at(NOON))) is None


def test_only_segments_that_can_hold_it_are_opened(tmp_path: Path) -> None:
    day = 86_400
    for days in (1, 2, 3):  # reading one of these would raise
        (tmp_path / f"transcripts-2026070{days}T000000.000000Z.log").mkdir()
    one, hidden = line(NOON + 2 * day), line(NOON + 2 * day)
    rotated(tmp_path, NOON + 4 * day, one)
    for days in (5, 6):  # and these have what belongs into none of them
        rotated(tmp_path, NOON + days * day, line(NOON + (days - 1) * day), hidden)
    assert find(tmp_path, UUID(one["exchange_id"])) is not None
    assert find(tmp_path, UUID(hidden["exchange_id"])) is None


def test_a_long_exchange_is_found_in_the_segment_that_it_ended_in(tmp_path: Path) -> None:
    rotated(tmp_path, NOON + HOUR, line(NOON + 5))
    long = line(NOON, total_ms=10 * HOUR * 1000)
    rotated(tmp_path, NOON + 11 * HOUR, long)
    assert find(tmp_path, UUID(long["exchange_id"])) is not None


def test_an_index_saves_reading_what_lies_before(tmp_path: Path) -> None:
    lines = [line(NOON + each, end_user=PAD) for each in range(40)]
    path = compressed(tmp_path, NOON + 60, *lines)
    packed = bytearray(path.read_bytes())
    packed[60:80] = bytes(20)
    path.write_bytes(packed)
    last, damage = UUID(lines[-1]["exchange_id"]), list[Damage]()
    assert find(tmp_path, last, damage.append) is not None
    assert damage == []
    index_path(path).unlink()  # now it must be read through, past the damage
    assert find(tmp_path, last, damage.append) is not None
    assert len(damage) == 1


@pytest.mark.parametrize("index", ["missing", "cut", "of another file", "past the end"])
def test_an_index_that_is_of_no_use_is_done_without(tmp_path: Path, index: str) -> None:
    lines = [line(NOON + each, end_user=PAD) for each in range(40)]
    path = index_path(compressed(tmp_path, NOON + 60, *lines))
    entries = path.read_bytes()
    match index:
        case "missing":
            path.unlink()
        case "cut":
            path.write_bytes(entries[:5])
        case "of another file":
            path.write_bytes(
                b"".join(entries[at : at + 16] + entries[16:32] for at in range(0, 1280, 32))
            )
        case "past the end":
            path.write_bytes(entries.replace(entries[16:32], b"\xff" * 16))
    for one in (lines[0], lines[20], lines[-1]):
        found = find(tmp_path, UUID(one["exchange_id"]))
        assert found is not None
        assert found.head.exchange_id == one["exchange_id"]


def test_all_ids_with_the_same_beginning_are_found_once(tmp_path: Path) -> None:
    lines = three_hours(tmp_path)
    twin = tmp_path / "twin"
    shutil.copytree(tmp_path, twin)
    start = lines[3]["exchange_id"].replace("-", "")[:9]
    expected = [each for each in ids(lines) if each.replace("-", "").startswith(start)]
    assert ids(find_all([tmp_path, twin], start)) == expected


def test_an_id_that_somebody_only_talks_about_is_not_found(tmp_path: Path) -> None:
    one = line(NOON)
    live(tmp_path, line(NOON + 1, end_user=one["exchange_id"]))
    assert find(tmp_path, UUID(one["exchange_id"])) is None


@pytest.mark.parametrize("newest_first", [False, True])
def test_all_come_in_their_order(tmp_path: Path, newest_first: bool) -> None:
    expected = ids(three_hours(tmp_path))
    if newest_first:
        expected.reverse()
    assert scanned(tmp_path, newest_first=newest_first) == (expected, [])


@pytest.mark.parametrize("newest_first", [False, True])
def test_what_lies_in_two_files_comes_once(tmp_path: Path, newest_first: bool) -> None:
    lines = three_hours(tmp_path / "host")
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(encoded(*lines[10:50]))
    found, _ = scanned(tmp_path / "host", copy, newest_first=newest_first)
    assert found == ids(lines)[:: -1 if newest_first else 1]


@pytest.mark.parametrize("newest_first", [False, True])
def test_hosts_are_put_together_by_time(tmp_path: Path, newest_first: bool) -> None:
    lines = [line(NOON + second) for second in range(60)]
    for host, place in ((0, tmp_path / "a"), (1, tmp_path / "b")):
        own = lines[host::2]
        compressed(place, NOON + 20, *own[:10])
        rotated(place, NOON + 40, *own[10:20])
        live(place, *own[20:])
    expected = ids(reversed(lines) if newest_first else lines)
    assert scanned(tmp_path / "a", tmp_path / "b", newest_first=newest_first)[0] == expected


def test_the_newest_come_by_their_beginning_though_they_are_written_at_their_end(
    tmp_path: Path,
) -> None:
    long = line(NOON, total_ms=100_000)
    short = [line(NOON + second, total_ms=10) for second in range(1, 90)]
    live(tmp_path, *short, long)
    assert scanned(tmp_path, newest_first=True)[0] == ids([*reversed(short), long])


def test_a_span_of_time_is_that_of_the_beginning(tmp_path: Path) -> None:
    lines = three_hours(tmp_path)
    since, until = NOON + 30 * 60, NOON + 150 * 60
    expected = ids(lines[10:50])
    assert scanned(tmp_path, since=since, until=until)[0] == expected
    assert scanned(tmp_path, since=since, until=until, newest_first=True)[0] == expected[::-1]


def test_segments_outside_the_span_are_not_opened(tmp_path: Path) -> None:
    lines = three_hours(tmp_path)
    for name in ("20260601T000000", "20260603T000000", "20260630T000000"):
        (tmp_path / f"transcripts-{name}.000000Z.log").mkdir()
    rotated(tmp_path, NOON + 50 * HOUR, line(NOON + 40 * HOUR), b"garbage that nobody reaches")
    assert scanned(tmp_path, since=NOON, until=NOON + HOUR) == (ids(lines[:20]), [])


def test_the_newest_are_not_looked_for_among_the_old(tmp_path: Path) -> None:
    lines = [line(NOON + 60 * each) for each in range(20)]
    live(tmp_path, b"garbage that nobody reaches", *lines)
    found, told = scanned(tmp_path, since=NOON + 10 * 60, newest_first=True)
    assert (found, told) == (ids(reversed(lines[10:])), [])


def test_the_newest_few_are_found_without_reading_the_old(tmp_path: Path) -> None:
    lines = [line(NOON + 60 * each) for each in range(20)]
    live(tmp_path, *lines)
    (tmp_path / "transcripts-20260630T000000.000000Z.log").mkdir()
    assert ids(islice(scan([tmp_path], newest_first=True), 5)) == ids(reversed(lines))[:5]


BAD = {
    "cut off": (encoded(line())[:300], "it is cut off"),
    "damaged": (b'{"v":1,\xff\xfe}', "it is damaged"),
    "zeros": (bytes(5000), "it is cut off"),
    "other JSON": (b'{"event":"request"}', "it is no transcript"),
    "no time": (encoded(line()).replace(b'"time"', b'"then"')[:-1], "it is no transcript"),
    "no id": (encoded(line(exchange_id="x"))[:-1], "it is no transcript"),
    "deep": (b"[" * 200_000 + b"]" * 200_000, "it is cut off"),
    "newer": (encoded(line(v=2))[:-1], "it was written by a newer Patchbay"),
}


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("form", ["plain", "compressed", "gzip"])
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_is_reported_and_the_rest_goes_on(
    tmp_path: Path, bad: str, form: str, newest_first: bool
) -> None:
    data, what = BAD[bad]
    good = [line(NOON + each) for each in range(3)]
    path = rotated(tmp_path, NOON + 60, good[0], b"", good[1], data, b"", good[2])
    if form == "compressed":
        path = compress_indexed(path)
    elif form == "gzip":
        path = gzipped(path)
    found, told = scanned(tmp_path, newest_first=newest_first)
    assert found == ids(reversed(good) if newest_first else good)
    [sentence] = told
    assert sentence.startswith(f"{path}, line 4: {what}")


def gzipped(path: Path) -> Path:
    """As another program compresses it: one member, with a name in its head."""
    made = path.with_name(f"{path.name}.gz")
    with gzip.open(made, "wb") as file:
        file.write(path.read_bytes())
    path.unlink()
    return made


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_damaged_member_costs_no_line_of_another(tmp_path: Path, newest_first: bool) -> None:
    lines = [line(NOON + each, end_user=PAD) for each in range(60)]
    path = compressed(tmp_path, NOON + 100, *lines, b"garbage")
    packed = bytearray(path.read_bytes())
    entry = index_path(path).read_bytes()[32 * 30 :][16:24]
    start = int.from_bytes(entry, "little")
    packed[start + 60 : start + 80] = bytes(20)
    path.write_bytes(packed)

    found, told = scanned(tmp_path, newest_first=newest_first)
    lost = [number for number, one in enumerate(lines) if one["exchange_id"] not in found]
    assert lost == list(range(lost[0], lost[0] + len(lost)))
    assert 0 < len(lost) <= 13  # one member has so many
    missing = f"lines are missing here: the gzip member at byte {start} is damaged"
    assert sorted(told) == sorted(
        [f"{path}, line {lost[0] + 1}: {missing}", f"{path}, line {len(found) + 1}: it is cut off"]
    )


@pytest.mark.parametrize("backwards", [False, True])
def test_after_damage_the_next_member_is_found_wherever_it_begins(
    tmp_path: Path, backwards: bool
) -> None:
    """What is read at once may end in the middle of a member's first bytes."""
    noise = random.Random(1).randbytes(BLOCK * 2).hex().encode()
    length = bisect(range(BLOCK * 2), BLOCK, key=lambda size: len(zlib.compress(noise[:size])))
    begins = set()
    for size in range(length - 60, length + 20):
        path = tmp_path / f"{size}.log"
        path.write_bytes(noise[:size] + b"\nthe last\n")
        path = compress_indexed(path)
        packed = bytearray(path.read_bytes())
        begins.add(packed.rfind(MEMBER) - BLOCK)
        packed[-40 - BLOCK // 2 : -BLOCK // 2] = bytes(40)
        path.write_bytes(packed)
        told: list[Damage] = []
        with SegmentReader(Segment(path), told.append, lambda _: None) as reader:
            lines = list(reader.backwards() if backwards else reader.forwards())
        assert b"the last" in [each.data for each in lines]
        assert len(told) == 1
    assert begins >= set(range(-6, 2))


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_compressed_file_that_was_cut_gives_what_is_there(
    tmp_path: Path, newest_first: bool
) -> None:
    lines = [line(NOON + each, end_user=PAD) for each in range(60)]
    path = compressed(tmp_path, NOON + 100, *lines)
    path.write_bytes(path.read_bytes()[:-40])
    found, told = scanned(tmp_path, newest_first=newest_first)
    assert 40 < len(found) < 60
    assert set(found) <= set(ids(lines))
    assert len(told) == 1
    assert "is damaged" in told[0]


@pytest.mark.parametrize("newest_first", [False, True])
def test_what_lies_before_the_damage_is_read_in_a_small_file_too(
    tmp_path: Path, newest_first: bool
) -> None:
    lines = [line(NOON + at, end_user=f"{at * at}") for at in range(60)]
    wanted = [one["exchange_id"] for one in lines]
    whole = gzip.compress(encoded(*lines))
    path = tmp_path / "transcripts.log.1.gz"
    path.write_bytes(whole[:-8] + bytes(4) + whole[-4:])  # the checksum
    found, damage = scanned(tmp_path, newest_first=newest_first)
    assert (sorted(found), len(damage)) == (sorted(wanted), 1)
    half = len(whole) // 2
    path.write_bytes(whole[:half] + b"\xff" * 8 + whole[half + 8 :])
    found, damage = scanned(tmp_path, newest_first=newest_first)
    assert damage
    assert len(found) > 10
    assert sorted(found)[:10] == sorted(wanted)[:10]


def test_what_is_no_gzip_at_all_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "transcripts.log.1.gz"
    path.write_bytes(b"not compressed\n")
    assert scanned(path)[1] == [
        f"{path}, line 1: lines are missing here: the gzip member at byte 0 is damaged"
    ]


def test_files_of_any_name_are_read(tmp_path: Path) -> None:
    one, two = line(NOON), line(NOON + 1)
    plain, packed = tmp_path / "copied.txt", tmp_path / "copied.gz"
    plain.write_bytes(encoded(one))
    packed.write_bytes(gzip.compress(encoded(two)))
    assert scanned(packed, plain) == (ids([one, two]), [])


@pytest.mark.parametrize("name", ["transcripts.log", "copy.log"])
def test_a_file_that_is_named_has_to_be_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=name):
        scanned(tmp_path / name)


def test_progress_is_told_up_to_the_end(tmp_path: Path) -> None:
    three_hours(tmp_path)
    told: list[tuple[int, int]] = []

    def progress(done: int, whole: int) -> None:
        told.append((done, whole))

    for newest_first in (False, True):
        told.clear()
        list(scan([tmp_path], progress=progress, newest_first=newest_first))
        whole = sum(
            path.stat().st_size for path in tmp_path.glob("*.log*") if path.suffix != ".idx"
        )
        assert told[-1] == (whole, whole)
        assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("newest_first", [False, True])
def test_never_is_a_whole_file_in_memory(tmp_path: Path, newest_first: bool) -> None:
    lines = [line(NOON + each, end_user="x" * 100_000) for each in range(200)]
    live(tmp_path, *lines)
    compressed(tmp_path, NOON - 1, *lines)
    gzipped(rotated(tmp_path, NOON - 2, *lines))
    tracemalloc.start()
    count = sum(1 for _ in scan([tmp_path], newest_first=newest_first, where=lambda _: False))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 0
    assert peak < 16 * 2**20  # of 60 MB


@given(
    pieces=st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\n\n", b"d" * 70_000]), max_size=30),
    form=st.sampled_from(["plain", "ours", "gzip"]),
)
def test_backwards_is_forwards_turned_round(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], form: str
) -> None:
    path = tmp_path_factory.mktemp("lines") / "transcripts.log"
    path.write_bytes(b"".join(pieces))
    if form == "ours":
        path = compress_indexed(path)
    elif form == "gzip":
        path = gzipped(path)
    expected = [each for each in b"".join(pieces).split(b"\n") if each]
    assert raw(path, True) == expected
    assert raw(path, False) == expected


def raw(path: Path, backwards: bool) -> list[bytes]:
    """The lines of a file in the order that they have in it."""

    def fail(damage: Damage) -> None:
        raise AssertionError(damage)

    with SegmentReader(Segment(path), fail, lambda _: None) as reader:
        found: Iterable[Any] = reader.backwards() if backwards else reader.forwards()
        lines = [each.data for each in found]
    return lines[::-1] if backwards else lines


def test_a_body_that_is_not_utf8_is_still_shown(tmp_path: Path) -> None:
    whole = encoded(line(request={"text": "HERE"}))[:-1]
    live(tmp_path, whole.replace(b"HERE", b"\xff"))
    [found] = scan([tmp_path])
    assert found.head.bodies().read("request") == {"text": "\ufffd"}
