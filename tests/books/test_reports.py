"""What the dashboard is given."""

from __future__ import annotations

import pytest

from tests.books.shelf import Shelf, record
from tests.databases import use_database
from usage.reports import DIMENSIONS, PERIODS, Period, report, totals_before

NOW = 1_782_043_200.0 + 30
HOURS = 3600.0


@pytest.fixture
def books(shelf: Shelf):
    """Requests of two teams over the last days."""
    ledger = shelf.ledger()
    research = {"team_name": "research", "client_key_name": "bob", "request_model": "claude"}
    requests = [
        record(started_at=NOW - 10, total_ms=100.0, cost_nano=500),
        record(started_at=NOW - 20 * 60, total_ms=300.0, cost_nano=None, **research),
        record(started_at=NOW - 30 * 60, outcome="failed", reason="connect", cost_nano=0),
        record(started_at=NOW - 40 * 60, outcome="refused", reason="quota", cost_nano=0),
        record(started_at=NOW - 90 * 60, cost_nano=1_000),
        record(started_at=NOW - 26 * HOURS, **research),
        record(started_at=NOW - 80 * 24 * HOURS, cost_nano=9_000),
        record(started_at=NOW - 100 * 24 * HOURS),
    ]
    ledger.enter(requests, [])
    ledger.close()
    with use_database(shelf.place):
        yield shelf


def test_the_last_hour_has_its_requests_and_no_others(books: Shelf) -> None:
    found = report(PERIODS["1h"], NOW)
    totals = found.totals
    assert (totals.requests, totals.completed, totals.failed, totals.refused) == (4, 2, 1, 1)
    assert (totals.cost_nano, totals.unpriced) == (500, 1)
    assert totals.tokens == 4 * 13
    assert len(found.series) == 60
    assert found.series[-1].totals.requests == 1
    assert sum(point.totals.requests for point in found.series) == 4
    assert totals.total_ms.p50 == pytest.approx(40, rel=0.34)
    assert totals.total_ms.p99 == pytest.approx(300, rel=0.34)


def test_shares_add_up_to_the_whole_and_the_largest_comes_first(books: Shelf) -> None:
    found = report(PERIODS["90d"], NOW)
    assert found.totals.requests == 7
    assert set(found.by) == set(DIMENSIONS)
    for shares in found.by.values():
        assert sum(share.totals.requests for share in shares) == 7
        assert sum(share.totals.cost_nano for share in shares) == found.totals.cost_nano
    assert [(share.name, share.totals.requests) for share in found.by["key"]] == [
        ("alice", 5),
        ("bob", 2),
    ]
    assert [share.name for share in found.by["model"]] == ["gpt-test", "claude"]


@pytest.mark.parametrize("period", PERIODS.values(), ids=list(PERIODS))
def test_every_period_is_drawn_in_whole_steps(books: Shelf, period: Period) -> None:
    found = report(period, NOW)
    assert len(found.series) == period.seconds // period.step
    assert sum(point.totals.requests for point in found.series) == found.totals.requests
    assert found.end.timestamp() - found.start.timestamp() == period.seconds
    assert found.start == found.series[0].start


def test_it_can_be_narrowed_to_a_team(books: Shelf) -> None:
    found = report(PERIODS["7d"], NOW, team="research")
    assert found.totals.requests == 2
    assert [share.name for share in found.by["key"]] == ["bob"]


def test_the_span_before_is_for_comparison(books: Shelf) -> None:
    assert totals_before(PERIODS["1h"], NOW).requests == 1
    assert totals_before(PERIODS["24h"], NOW).requests == 1


def test_without_requests_everything_is_nothing(shelf: Shelf) -> None:
    with use_database(shelf.place):
        found = report(PERIODS["24h"], NOW)
    assert found.totals.requests == 0
    assert found.totals.total_ms.p95 is None
    assert all(shares == [] for shares in found.by.values())
    assert len(found.series) == 48
