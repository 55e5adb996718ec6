"""Sums and histograms add up, and percentiles come out of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.books.shelf import record
from usage.model_names import MOST_MODELS, OTHER, ModelNames
from usage.rollup import (
    BOUNDS_MS,
    HOUR,
    MINUTE,
    Sums,
    merged,
    percentile,
    sum_up,
)

NOON = 1_782_000_000 - 1_782_000_000 % 3600
times = st.integers(0, 2 * 3600 - 1).map(lambda second: NOON + second)
durations = st.floats(0, 10_000_000)


@given(st.lists(st.tuples(times, durations, st.none() | durations), max_size=60))
def test_the_minutes_of_an_hour_add_up_to_it(requests: list[Any]) -> None:
    records = [
        record(started_at=float(at), total_ms=total, first_content_ms=first, cost_nano=None)
        for at, total, first in requests
    ]
    rollups = sum_up(records, ModelNames())
    hours: dict[int, Sums] = {}
    for key, sums in rollups.items():
        if key.grain == MINUTE:
            hours.setdefault(key.bucket - key.bucket % 3600, Sums()).add(sums)
    assert hours == {key.bucket: sums for key, sums in rollups.items() if key.grain == HOUR}
    assert sum(sums.requests for sums in hours.values()) == len(records)
    assert sum(sums.unpriced for sums in hours.values()) == len(records)
    assert sum(sum(sums.total_ms_counts) for sums in hours.values()) == len(records)
    measured = sum(first is not None for _, _, first in requests)
    assert sum(sum(sums.first_content_ms_counts) for sums in hours.values()) == measured


def test_model_names_beyond_the_bound_are_other() -> None:
    records = [record(request_model=f"model-{number}") for number in range(MOST_MODELS + 50)]
    records.append(record(request_model="model-1", provider_name="another"))
    names = {key.request_model for key in sum_up(records, ModelNames()) if key.grain == HOUR}
    assert len(names) == MOST_MODELS + 1
    assert OTHER in names


def test_names_of_an_earlier_start_count() -> None:
    known = ModelNames()
    known.learn("openai", [f"model-{number}" for number in range(MOST_MODELS)])
    assert known.of("openai", "new") == OTHER
    assert known.of("openai", "model-7") == "model-7"
    assert known.of("openai", "") == ""


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
@given(values=st.lists(st.floats(2, 400_000), min_size=1, max_size=200))
def test_a_percentile_is_within_the_bounds_of_the_true_one(
    share: float, values: list[float]
) -> None:
    sums = Sums()
    for value in values:
        sums.count(record(total_ms=value))
    found = percentile(sums.total_ms_counts, share)
    rank = max(0, -(-int(share * 1000) * len(values) // 1000) - 1)
    true = sorted(values)[rank]
    assert found is not None
    assert true / 1.34 <= found <= true * 1.34


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile([], 0.5) is None
    assert percentile(Sums().total_ms_counts, 0.5) is None
    assert merged([], [1, 2]) == [1, 2]


def test_what_is_longer_than_the_last_bound_is_said_to_be_that() -> None:
    sums = Sums()
    sums.count(record(total_ms=10 * BOUNDS_MS[-1]))
    assert percentile(sums.total_ms_counts, 0.99) == BOUNDS_MS[-1]
