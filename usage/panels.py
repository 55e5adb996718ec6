"""The traffic panel of the home page: figures, pictures and shares of a period, ready to draw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import Max, QuerySet
from django.utils import timezone

from usage import figures
from usage.models import ClientKey, UsageRollup
from usage.pictures import charts, error_rate, spark
from usage.reports import PERIODS, Period, Report, Totals, report, totals_before
from usage.rollup import MINUTE

SHOWN_PERIODS = ("1h", "24h", "7d", "30d", "90d")
DEFAULT_PERIOD = "24h"
DIMENSION_TITLES = {"model": "Model", "provider": "Provider", "team": "Team", "key": "Client key"}
NAMELESS = {"team": "no team", "key": "no key"}
MOST_ROWS = 8
MOST_ROWS_OF_ALL = 500
EXPIRES_SOON = timedelta(days=7)
REFUSED_LATELY = timedelta(hours=1)


class Words(NamedTuple):
    """What stands on a card: the number, all of it, a note, the change, and `bad` where it is."""

    value: str
    exact: str = ""
    note: str = ""
    change: str = ""
    tone: str = ""


class Figure(NamedTuple):
    """A card: one number, how it went, and the records that it counts."""

    label: str
    words: Words
    line: str
    area: str
    query: str


class Row(NamedTuple):
    """One name's line in the table of shares. `width` is in thousandths of the widest."""

    name: str
    totals: Totals
    width: int
    query: str


class Traffic(NamedTuple):
    """Everything that the panel shows. `others` counts the names beyond the rows."""

    period: Period
    start: datetime
    totals: Totals
    figures: tuple[Figure, ...]
    charts: dict[str, dict[str, Any]]
    dimension: str
    rows: tuple[Row, ...]
    nameless: str
    others: int


def traffic(
    period_name: str, dimension: str, only: dict[str, str], every_row: bool = False
) -> Traffic:
    """What passed in a period, narrowed to the names of `only`. Unknown words mean the usual."""
    most = MOST_ROWS_OF_ALL if every_row else MOST_ROWS
    period = PERIODS[period_name if period_name in SHOWN_PERIODS else DEFAULT_PERIOD]
    dimension = dimension if dimension in DIMENSION_TITLES else "model"
    found = report(period, None, **only)
    return Traffic(
        period,
        found.start,
        found.totals,
        _figures(found, totals_before(period, None, **only), only),
        charts(found),
        dimension,
        _rows(found, dimension, only, most),
        NAMELESS.get(dimension, "not sent to any provider"),
        max(0, len(found.by[dimension]) - most),
    )


def expiring_keys() -> QuerySet[ClientKey]:
    now = timezone.now()
    return ClientKey.objects.filter(
        revoked_at=None, expires_at__gt=now, expires_at__lt=now + EXPIRES_SOON
    )


def refusing_providers() -> list[str]:
    """Providers whose last word on our credential was no: they have not answered since."""
    rollups = UsageRollup.objects.filter(
        grain=MINUTE, bucket__gte=timezone.now() - REFUSED_LATELY
    ).exclude(provider_name="")
    refused = dict(_newest(rollups.filter(reason="upstream_auth")))
    answered = dict(_newest(rollups.filter(outcome="completed")))
    return [name for name, at in refused.items() if name not in answered or answered[name] < at]


def _newest(rollups: QuerySet[UsageRollup]) -> QuerySet[UsageRollup, tuple[str, datetime]]:
    """Providers, and the last minute of each."""
    return rollups.values_list("provider_name").annotate(Max("bucket"))


def _requests(now: Totals, before: Totals) -> Words:
    return Words(
        figures.count(now.requests),
        f"{now.requests:,}",
        f"was {figures.count(before.requests)}" if before.requests else "",
        figures.change(now.requests, before.requests),
    )


def _cost(now: Totals, before: Totals) -> Words:
    return Words(
        figures.short_money(now.cost_nano),
        figures.exact_money(now.cost_nano),
        f"{figures.count(now.unpriced)} without a price" if now.unpriced else "",
        figures.change(now.cost_nano, before.cost_nano),
    )


def _tokens(now: Totals, before: Totals) -> Words:
    return Words(
        figures.count(now.tokens),
        f"{now.input_tokens:,} in, {now.output_tokens:,} out",
        f"{figures.share(now.cached_input_tokens, now.input_tokens)} of input cached",
        figures.change(now.tokens, before.tokens),
    )


def _errors(now: Totals, before: Totals) -> Words:
    """Bad is more than before."""
    worse = (error_rate(now) or 0) > (error_rate(before) or 0)
    return Words(
        figures.share(now.failed, now.requests),
        f"{now.failed:,} failed of {now.requests:,}",
        f"was {figures.share(before.failed, before.requests)}" if before.requests else "",
        tone="bad" if worse else "",
    )


def _latency(middle: float | None, high: float | None) -> Words:
    return Words(figures.duration(middle), note=f"p95 {figures.duration(high)}")


Drawn = Callable[[Totals], float | None]
CARDS: tuple[tuple[str, Callable[[Totals, Totals], Words], Drawn, dict[str, str]], ...] = (
    ("Requests", _requests, lambda totals: totals.requests, {}),
    ("Cost", _cost, lambda totals: totals.cost_nano, {}),
    ("Tokens", _tokens, lambda totals: totals.tokens, {}),
    ("Error rate", _errors, error_rate, {"show": "failed"}),
    (
        "First token, p50",
        lambda now, _: _latency(now.first_content_ms.p50, now.first_content_ms.p95),
        lambda totals: totals.first_content_ms.p50,
        {},
    ),
    (
        "Whole answer, p50",
        lambda now, _: _latency(now.total_ms.p50, now.total_ms.p95),
        lambda totals: totals.total_ms.p50,
        {},
    ),
)


def _figures(found: Report, before: Totals, only: dict[str, str]) -> tuple[Figure, ...]:
    asked = {"range": found.period.name, **only}
    return tuple(
        Figure(
            label,
            words(found.totals, before),
            *spark([drawn(point.totals) or 0 for point in found.series]),
            urlencode(asked | more),
        )
        for label, words, drawn, more in CARDS
    )


def _rows(found: Report, dimension: str, only: dict[str, str], most: int) -> tuple[Row, ...]:
    shares = found.by[dimension][:most]
    widest = max((share.totals.requests for share in shares), default=0) or 1
    return tuple(
        Row(
            share.name,
            share.totals,
            round(1000 * share.totals.requests / widest),
            urlencode({"range": found.period.name, **only, dimension: share.name}),
        )
        for share in shares
    )
