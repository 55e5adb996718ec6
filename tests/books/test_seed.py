"""A restart finds what a quota's window has spent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.books.shelf import record
from tests.books.test_records import enter
from tests.databases import apart
from usage.models import ClientKey
from usage.quota import Limit
from usage.seed import spent

NOW = 1_782_043_200.0 + 30
"""Thirty seconds into a day, an hour and a minute (UTC)."""
EARLIER_IN_THE_MONTH = NOW - 10 * 86_400


@pytest.fixture
def alice(database: Path) -> int:
    """The id of a key of this name, with requests in the books."""
    team = {"client_key_name": "bob", "team_name": "research"}
    enter(
        record(started_at=NOW - 5, cost_nano=100),
        record(started_at=NOW - 1, cost_nano=20, **team),
        record(started_at=NOW - 1, cost_nano=0, outcome="refused", reason="quota"),
        record(started_at=NOW - 1, cost_nano=3, outcome="failed", reason="timeout_idle"),
        record(started_at=EARLIER_IN_THE_MONTH, cost_nano=4_000),
        record(started_at=NOW - 40 * 86_400, cost_nano=50_000),
    )
    return apart(lambda: ClientKey.objects.create(name="alice", digest="d", pepper_id="p").pk)


@pytest.mark.parametrize(
    ("metric", "window", "whose", "held"),
    [
        ("requests", "minute", "key", 2),
        ("requests", "day", "key", 2),
        ("requests", "month", "key", 3),
        ("requests", "minute", "everyone", 3),
        ("requests", "hour", "team", 1),
        ("cost", "hour", "key", 103),
        ("cost", "month", "key", 4_103),
        ("cost", "month", "team", 20),
        ("cost", "month", "everyone", 4_123),
    ],
)
def test_it_is_what_the_window_holds(
    alice: int, metric: str, window: str, whose: str, held: int
) -> None:
    limit = Limit(
        id=1,
        metric=metric,
        window=window,
        amount=10,
        key_id=alice if whose == "key" else None,
        team="research" if whose == "team" else "",
    )
    assert apart(lambda: spent(limit, NOW)) == held


def test_of_a_key_that_is_gone_nothing_is_known(alice: int) -> None:
    limit = Limit(id=1, metric="requests", window="day", amount=10, key_id=alice + 1)
    assert apart(lambda: spent(limit, NOW)) == 0
