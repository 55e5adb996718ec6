"""What the dashboard draws: totals, a series over time, and shares by model, provider, team and key.

Everything comes from rollups, in one pass: minutes for the last hours, hours beyond. Percentiles
are read from merged histograms, so they are as exact as the bounds (about 15 %).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from django.db.models import Aggregate, Func, IntegerField, Sum, TextField

from usage.models import UsageRollup
from usage.rollup import HOUR, MINUTE, Sums, percentile

ROWS_AT_ONCE = 5000
DIMENSIONS = {
    "model": "request_model",
    "provider": "provider_name",
    "team": "team_name",
    "key": "client_key_name",
}
NUMBERS = (
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nano",
    "unpriced",
)
HISTOGRAMS = ("total_ms_counts", "first_content_ms_counts")

_histograms = msgspec.json.Decoder(list[list[int]])


class Period(NamedTuple):
    """A span up to now, in seconds, drawn in steps of `step` from rollups of `grain`."""

    name: str
    label: str
    seconds: int
    step: int
    grain: str


PERIODS: dict[str, Period] = {
    period.name: period
    for period in (
        Period("1h", "Last hour", 3600, 60, MINUTE),
        Period("6h", "Last 6 hours", 6 * 3600, 300, MINUTE),
        Period("24h", "Last 24 hours", 24 * 3600, 1800, MINUTE),
        Period("7d", "Last 7 days", 7 * 86_400, 6 * 3600, HOUR),
        Period("30d", "Last 30 days", 30 * 86_400, 86_400, HOUR),
        Period("90d", "Last 90 days", 90 * 86_400, 86_400, HOUR),
    )
}


class Percentiles(NamedTuple):
    """In milliseconds; None where nothing was measured."""

    p50: float | None
    p95: float | None
    p99: float | None


class Totals(NamedTuple):
    """What was used. `unpriced` counts requests whose cost is unknown and not in `cost_nano`."""

    requests: int
    completed: int
    refused: int
    failed: int
    abandoned: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_nano: int
    unpriced: int
    total_ms: Percentiles
    first_content_ms: Percentiles

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class Point(NamedTuple):
    """One step of the series, by its start."""

    start: datetime
    totals: Totals


class Share(NamedTuple):
    """One name's part of the whole."""

    name: str
    totals: Totals


class Report(NamedTuple):
    """One period. `by` has the shares of each of DIMENSIONS, most requests first."""

    period: Period
    start: datetime
    end: datetime
    totals: Totals
    series: list[Point]
    by: dict[str, list[Share]]


def report(period: Period, now: float | None = None, **only: str) -> Report:
    """The report of the period that ends now. `only` narrows it to names, as in `team="research"`."""
    end = _end(period, now)
    start = end - period.seconds
    whole = Tally()
    steps = {at: Tally() for at in range(start, end, period.step)}
    by: dict[str, dict[str, Tally]] = {dimension: {} for dimension in DIMENSIONS}
    for group, sums in _groups(period, start, end, only).items():
        whole.add(group.outcome, sums)
        steps[group.step].add(group.outcome, sums)
        for dimension, name in zip(DIMENSIONS, group.names, strict=True):
            by[dimension].setdefault(name, Tally()).add(group.outcome, sums)
    return Report(
        period,
        datetime.fromtimestamp(start, UTC),
        datetime.fromtimestamp(end, UTC),
        whole.totals(),
        [Point(datetime.fromtimestamp(at, UTC), tally.totals()) for at, tally in steps.items()],
        {dimension: _shares(tallies) for dimension, tallies in by.items()},
    )


def totals_before(period: Period, now: float | None = None, **only: str) -> Totals:
    """The totals of the span before the period's, to compare with."""
    end = _end(period, now) - period.seconds
    whole = Tally()
    for group, sums in _groups(period, end - period.seconds, end, only).items():
        whole.add(group.outcome, sums)
    return whole.totals()


class Group(NamedTuple):
    """What rollups are added up over before anything else. `names` are in the order of DIMENSIONS."""

    step: int
    outcome: str
    names: tuple[str, ...]


class Tally:
    """Adds groups up."""

    def __init__(self) -> None:
        self._sums = Sums()
        self._outcomes: dict[str, int] = {}

    def add(self, outcome: str, sums: Sums) -> None:
        self._sums.add(sums)
        self._outcomes[outcome] = self._outcomes.get(outcome, 0) + sums.requests

    def totals(self) -> Totals:
        sums, outcomes = self._sums, self._outcomes
        return Totals(
            sums.requests,
            outcomes.get("completed", 0),
            outcomes.get("refused", 0),
            outcomes.get("failed", 0),
            outcomes.get("abandoned", 0),
            sums.input_tokens,
            sums.cached_input_tokens,
            sums.output_tokens,
            sums.reasoning_tokens,
            sums.cost_nano,
            sums.unpriced,
            _percentiles(sums.total_ms_counts),
            _percentiles(sums.first_content_ms_counts),
        )


def _end(period: Period, now: float | None) -> int:
    """The end of the step that is under way."""
    return (int(time.time() if now is None else now) // period.step + 1) * period.step


class StepOf(Func):
    """Which step of this many seconds, counted from 1970, a time is in."""

    output_field = IntegerField()

    def __init__(self, moment: str, seconds: int) -> None:
        super().__init__(moment, seconds=seconds)

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        epoch = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)"
        return self.as_sql(compiler, connection, template=f"{epoch} / %(seconds)s", **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        epoch = "CAST(extract(epoch FROM %(expressions)s) AS BIGINT)"
        return self.as_sql(compiler, connection, template=f"{epoch} / %(seconds)s", **more)


class Joined(Aggregate):
    """The lists of all rows as one text: JSON but for the outer brackets."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "GROUP_CONCAT(%(expressions)s)"
        return self.as_sql(compiler, connection, template=template, **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "STRING_AGG(%(expressions)s::text, ',')"
        return self.as_sql(compiler, connection, template=template, **more)


def _groups(period: Period, start: int, end: int, only: dict[str, str]) -> dict[Group, Sums]:
    """The rollups between two times, added up per step and names, mostly by the database."""
    rows = (
        UsageRollup.objects.filter(
            grain=period.grain,
            bucket__gte=datetime.fromtimestamp(start, UTC),
            bucket__lt=datetime.fromtimestamp(end, UTC),
            **{DIMENSIONS[dimension]: name for dimension, name in only.items()},
        )
        .order_by()
        .annotate(step=StepOf("bucket", period.step))
        .values("step", "outcome", *DIMENSIONS.values())
        .annotate(**{f"sum_{name}": Sum(name) for name in NUMBERS})
        .annotate(**{f"all_{name}": Joined(name) for name in HISTOGRAMS})
    )
    return {_group(row, period.step): _sums(row) for row in rows.iterator(ROWS_AT_ONCE)}


def _group(row: dict[str, Any], step: int) -> Group:
    return Group(row["step"] * step, row["outcome"], tuple(row[c] for c in DIMENSIONS.values()))


def _sums(row: dict[str, Any]) -> Sums:
    numbers: list[Any] = [int(row[f"sum_{name}"]) for name in NUMBERS]
    return Sums(*numbers, *[_added(row[f"all_{name}"]) for name in HISTOGRAMS])


def _added(joined: str) -> list[int]:
    histograms = _histograms.decode(f"[{joined}]")
    return [sum(counts) for counts in zip(*histograms, strict=True)]


def _shares(tallies: dict[str, Tally]) -> list[Share]:
    shares = [Share(name, tally.totals()) for name, tally in tallies.items()]
    return sorted(shares, key=lambda share: (-share.totals.requests, share.name))


def _percentiles(counts: list[int]) -> Percentiles:
    return Percentiles(*(percentile(counts, share) for share in (0.5, 0.95, 0.99)))
