"""What a torn or damaged journal still says."""

from __future__ import annotations

import os

import pytest

from tests.books.shelf import record
from usage.frames import BEGIN, END, split
from usage.journal import Journal


@pytest.fixture
def entries(tmp_path) -> list[bytes]:
    """Three entries as a journal writes them."""
    journal = Journal.open(tmp_path / "frames", "w")
    file = tmp_path / "frames" / "w-00000001.jnl"
    ends = [0]
    for one in (record(), record(), record()):
        journal.end(one)
        ends.append(file.stat().st_size)
    journal.close()
    content = file.read_bytes()
    return [content[start:end] for start, end in zip(ends, ends[1:], strict=False)]


def test_frames_come_back_in_order(entries: list[bytes]) -> None:
    found = split(b"".join(entries))
    assert [frame.kind for frame in found.frames] == [END] * 3
    assert found.used == sum(map(len, entries))
    assert found.damage == []


def test_a_frame_that_is_not_whole_yet_is_left_for_later(entries: list[bytes]) -> None:
    whole = entries[0] + entries[1]
    for cut in range(1, len(entries[2])):
        found = split(whole + entries[2][:cut])
        assert (len(found.frames), found.used, found.damage) == (2, len(whole), [])


def test_a_torn_end_is_dropped_when_nothing_will_follow(entries: list[bytes]) -> None:
    whole = entries[0] + entries[1]
    for cut in range(1, len(entries[2])):
        found = split(whole + entries[2][:cut], last=True)
        assert (len(found.frames), found.used, found.damage) == (2, len(whole), [])


@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_damage_in_the_middle_costs_only_the_frame_it_is_in(
    entries: list[bytes], change: int
) -> None:
    for at in range(len(entries[1])):
        damaged = bytearray(entries[1])
        damaged[at] ^= change
        found = split(entries[0] + bytes(damaged) + entries[2], last=True)
        assert len(found.frames) == 2, at
        [damage] = found.damage
        assert (damage.start, damage.end) == (len(entries[0]), len(entries[0]) + len(entries[1]))


def test_noise_holds_no_frames() -> None:
    assert split(os.urandom(10_000), last=True).frames == []
    assert split(b"", last=True).frames == []
    assert BEGIN < END
