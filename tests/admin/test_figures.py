"""How numbers are written for people."""

from __future__ import annotations

import pytest

from usage import figures

NANO = figures.NANO


@pytest.mark.parametrize(
    ("nano", "written"),
    [
        (None, "no price"),
        (0, "$0"),
        (1, "<$0.0001"),
        (64_000, "<$0.0001"),
        (31_118_000, "$0.0311"),
        (2_788_410_000_000, "$2,788.41"),
    ],
)
def test_money(nano: int | None, written: str):
    assert figures.money(nano) == written


def test_exact_money_loses_nothing_and_short_money_says_less():
    assert figures.exact_money(31_118_001) == "$0.031118001"
    assert figures.exact_money(None) == "no price"
    assert figures.short_money(2_788_410_000_000) == "$2,788"
    assert figures.short_money(NANO // 2) == "$0.5000"


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (14_912, "14.9 K"),
        (999_499, "999 K"),
        (999_999, "1.00 M"),
        (1_284_000, "1.28 M"),
        (2_910_000_000, "2.91 bn"),
    ],
)
def test_counts(number: int, written: str):
    assert figures.count(number) == written


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [
        (0, 0, "–"),
        (0, 9, "0 %"),
        (34, 100, "34 %"),
        (71, 10_000, "0.71 %"),
        (1, 10**6, "<0.01 %"),
    ],
)
def test_shares(part: int, whole: int, written: str):
    assert figures.share(part, whole) == written


@pytest.mark.parametrize(
    ("ms", "written"),
    [
        (None, "–"),
        (481.3, "481 ms"),
        (1_510, "1.51 s"),
        (19_400, "19.4 s"),
        (125_000, "2 min"),
        (4 * 3_600_000, "4 h"),
    ],
)
def test_durations(ms: float | None, written: str):
    assert figures.duration(ms) == written


@pytest.mark.parametrize(
    ("now", "before", "written"),
    [(5, 0, ""), (100, 100, "no change"), (108.2, 100, "+8.2 %"), (48, 100, "−52 %")],
)
def test_changes(now: float, before: float, written: str):
    assert figures.change(now, before) == written
