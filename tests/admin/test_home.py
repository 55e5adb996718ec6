"""The home page: the way to the first request, then figures from the rollups."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from providers.models import Deployment, Provider
from tests.admin.pages import text
from usage.issue import issue_key
from usage.models import UsageRollup
from usage.rollup import COUNTS

HOME = "/admin/"


def make_rollup(**changed: Any) -> UsageRollup:
    """Ten requests of this minute, and of this hour."""
    counts = [0] * COUNTS
    counts[20] = 10
    values = {
        "client_key_name": "ci",
        "team_name": "Research",
        "provider_name": "openai",
        "request_model": "gpt-4.1",
        "outcome": "completed",
        "reason": "ok",
        "requests": 10,
        "input_tokens": 10_000,
        "cached_input_tokens": 5_000,
        "output_tokens": 900,
        "cost_nano": 1_500_000_000,
        "total_ms_counts": counts,
        "first_content_ms_counts": counts,
    } | changed
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    UsageRollup.objects.create(grain="minute", bucket=now, **values)
    return UsageRollup.objects.create(grain="hour", bucket=now.replace(minute=0), **values)


def figures(page: str) -> dict[str, str]:
    """Label and number of each card."""
    return dict(re.findall(r"<dt>([^<]+)</dt>\s*<dd[^>]*>([^<]+)</dd>", page))


def test_before_the_first_request_it_says_how_to_send_one(admin: Client, db: None):
    page = text(admin.get(HOME))
    assert "Welcome to Patchbay" in page
    assert "export PATCHBAY_KEY=pbk_…" in page
    assert "$PATCHBAY_KEY" in page
    assert "/v1/chat/completions" in page
    assert "1 of 4 done" in page


def test_steps_tick_as_they_are_done(admin: Client, openai: Provider):
    issue_key("ci")
    assert "3 of 4 done" in text(admin.get(HOME))


def test_the_figures_are_sums_of_the_rollups(admin: Client, db: None):
    make_rollup()
    make_rollup(outcome="failed", reason="connect", requests=1, cost_nano=0)
    shown = figures(text(admin.get(HOME)))
    assert shown["Requests"] == "11"
    assert shown["Cost"] == "$1.50"
    assert shown["Tokens"] == "21.8 K"
    assert shown["Error rate"] == "9 %"


@pytest.mark.parametrize("period", ["1h", "24h", "7d", "30d", "90d", "nonsense"])
def test_every_period_can_be_shown(admin: Client, db: None, period: str):
    make_rollup()
    assert figures(text(admin.get(f"{HOME}?range={period}")))["Requests"] == "10"


@pytest.mark.parametrize(
    ("by", "name"),
    [("model", "gpt-4.1"), ("provider", "openai"), ("team", "Research"), ("key", "ci")],
)
def test_shares_are_shown_by_each_dimension(admin: Client, db: None, by: str, name: str):
    make_rollup()
    assert f"{by}={name}" in text(admin.get(f"{HOME}?by={by}"))


def test_the_page_can_be_narrowed_to_one_name(admin: Client, db: None):
    make_rollup()
    make_rollup(team_name="Growth", requests=3)
    assert figures(text(admin.get(f"{HOME}?team=Growth")))["Requests"] == "3"


def test_a_cost_that_is_not_known_is_never_zero(admin: Client, db: None):
    make_rollup(cost_nano=0, unpriced=10)
    page = text(admin.get(HOME))
    assert "no price" in page
    assert "10 without a price" in page


def test_the_charts_have_the_same_numbers(admin: Client, db: None):
    make_rollup()
    page = text(admin.get(HOME))
    found = re.search(r'id="pb-charts"[^>]*>(.+?)</script>', page)
    assert found is not None
    charts = json.loads(found[1])
    assert sum(charts["requests"]["series"][0]["values"]) == 10
    assert sum(charts["cost"]["series"][0]["values"]) == 1.5
    assert len(charts["latency"]["times"]) == len(charts["latency"]["series"][0]["values"])


def test_what_needs_a_look_is_named_with_the_page_that_mends_it(admin: Client, openai: Provider):
    make_rollup()
    lonely = Provider.objects.create(name="lonely", adapter="openai")
    Deployment.objects.create(provider=openai, model="nobody-sells-this")
    page = text(admin.get(HOME))
    assert "Every request is refused" in page
    assert "has no credential" in page
    assert f"/admin/patchbay_providers/provider/{lonely.pk}/change/" in page
    assert "nobody-sells-this at openai" in page


def test_home_reads_rollups_and_never_records(
    admin: Client, db: None, django_assert_max_num_queries: Any
):
    make_rollup()
    with django_assert_max_num_queries(20) as queries:
        admin.get(HOME)
    assert not any("usagerecord" in query["sql"] for query in queries.captured_queries)
