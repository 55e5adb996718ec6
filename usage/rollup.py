"""Sum records into buckets of time, with histograms that add up. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from usage.model_names import ModelNames
from usage.record import Record

MINUTE, HOUR = "minute", "hour"
SECONDS = {MINUTE: 60, HOUR: 3600}
MINUTES_KEPT_SECONDS = 48 * 3600
BOUNDS_MS: tuple[float, ...] = tuple(round(10 ** (step / 8), 3) for step in range(47))
"""Upper bounds, eight to a factor of ten, from 1 ms to 9 min; what is longer has a count of its own."""
COUNTS = len(BOUNDS_MS) + 1


class Key(NamedTuple):
    """What a rollup is the sum over. `bucket` is its start in Unix seconds."""

    grain: str
    bucket: int
    client_key_name: str
    team_name: str
    provider_name: str
    request_model: str
    rule_name: str
    outcome: str
    reason: str


@dataclass(slots=True)
class Sums:
    """What is added up."""

    requests: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_nano: int = 0
    unpriced: int = 0
    total_ms_counts: list[int] = field(default_factory=lambda: [0] * COUNTS)
    first_content_ms_counts: list[int] = field(default_factory=lambda: [0] * COUNTS)

    def count(self, record: Record) -> None:
        self.requests += 1
        self.input_tokens += record.input_tokens
        self.cached_input_tokens += record.cached_input_tokens
        self.output_tokens += record.output_tokens
        self.reasoning_tokens += record.reasoning_tokens
        if record.cost_nano is None:
            self.unpriced += 1
        else:
            self.cost_nano += record.cost_nano
        self.total_ms_counts[bisect_left(BOUNDS_MS, record.total_ms)] += 1
        if record.first_content_ms is not None:
            self.first_content_ms_counts[bisect_left(BOUNDS_MS, record.first_content_ms)] += 1

    def add(self, other: Sums) -> None:
        self.requests += other.requests
        self.input_tokens += other.input_tokens
        self.cached_input_tokens += other.cached_input_tokens
        self.output_tokens += other.output_tokens
        self.reasoning_tokens += other.reasoning_tokens
        self.cost_nano += other.cost_nano
        self.unpriced += other.unpriced
        self.total_ms_counts = merged(self.total_ms_counts, other.total_ms_counts)
        self.first_content_ms_counts = merged(
            self.first_content_ms_counts, other.first_content_ms_counts
        )


def merged(one: Sequence[int], two: Sequence[int]) -> list[int]:
    """Two histograms as one; an empty one counts nothing."""
    if not one or not two:
        return list(one or two)
    return [a + b for a, b in zip(one, two, strict=True)]


def sum_up(records: Iterable[Record], names: ModelNames) -> dict[Key, Sums]:
    """Rollups of both grains. The hours are made from the minutes, so that they agree."""
    minutes: dict[Key, Sums] = {}
    for record in records:
        started = int(record.started_at)
        key = Key(
            MINUTE,
            started - started % SECONDS[MINUTE],
            record.client_key_name,
            record.team_name,
            record.provider_name,
            names.of(record.provider_name, record.request_model),
            record.rule_name,
            record.outcome,
            record.reason,
        )
        sums = minutes.get(key)
        if sums is None:
            sums = minutes[key] = Sums()
        sums.count(record)
    rollups = dict(minutes)
    for key, sums in minutes.items():
        hour = key._replace(grain=HOUR, bucket=key.bucket - key.bucket % SECONDS[HOUR])
        rollups.setdefault(hour, Sums()).add(sums)
    return rollups


def percentile(counts: Sequence[int], share: float) -> float | None:
    """The value in ms below which this share lies, interpolated within its bounds; None of nothing."""
    wanted = share * sum(counts)
    if wanted <= 0:
        return None
    passed = 0
    for index, count in enumerate(counts):
        if count and passed + count >= wanted:
            if index == len(BOUNDS_MS):
                return BOUNDS_MS[-1]
            low = BOUNDS_MS[index - 1] if index else 0.0
            return low + (BOUNDS_MS[index] - low) * (wanted - passed) / count
        passed += count
    return BOUNDS_MS[-1]
