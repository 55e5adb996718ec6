"""What decides whether a benchmark ends well: a figure beside its limits, as both are printed."""

from __future__ import annotations

import pytest

from benchmarks.figure import Figure


@pytest.mark.parametrize(
    ("value", "most", "within"),
    [(1.04, 1.05, True), (1.0549, 1.05, True), (1.0551, 1.05, False), (9.0, None, True)],
)
def test_no_more_than_its_limit_to_two_places(value: float, most: float | None, within: bool):
    assert Figure("cpu", value, "x", most=most).within is within


@pytest.mark.parametrize(
    ("value", "least", "within"),
    [(2000.0, 1900.0, True), (1899.99, 1900.0, False), (0.0, 0.0, True), (0.0, None, True)],
)
def test_no_less_than_its_limit(value: float, least: float | None, within: bool):
    assert Figure("requests", value, "/s", least=least).within is within


def test_between_both():
    figures = [Figure("share", value, "", most=1.0, least=0.5) for value in (0.4, 0.7, 1.1)]
    assert [figure.within for figure in figures] == [False, True, False]
