"""Records: to read, never to change; found by what people ask."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.admin.pages import text
from usage.models import UsageRecord
from usage.outcomes import OUTCOME_OF, OUTCOMES
from usage.story import story
from usage.words import OUTCOME_MARKS, REASON_WORDS

LIST = "/admin/patchbay_usage/usagerecord/"
ANSWERED = ["openai", "*", "gpt-4.1", "main", 200, "ok", 400.0]
REFUSED = ["azure", "*", "gpt-4.1", "eu", 429, "upstream_rate_limited", 100.0]


def make_record(**changed: Any) -> UsageRecord:
    return UsageRecord.objects.create(
        **{
            "exchange_id": uuid.uuid4(),
            "started_at": timezone.now(),
            "first_content_ms": 500.0,
            "total_ms": 1000.0,
            "kind": "chat",
            "client_key_name": "ci",
            "client_key_id": 1,
            "team_name": "Research",
            "provider_name": "openai",
            "client_format": "openai.chat",
            "original_model": "smart",
            "request_model": "gpt-4.1",
            "outcome": "completed",
            "reason": "ok",
            "status": 200,
            "input_tokens": 1000,
            "cached_input_tokens": 400,
            "output_tokens": 50,
            "cost_nano": 31_118_000,
            "usage_source": "provider",
            "attempts": [ANSWERED],
        }
        | changed
    )


def found(admin: Client, query: str) -> set[str]:
    """The keys of the records that a list shows."""
    answer = admin.get(f"{LIST}?{query}")
    assert answer.status_code == 200
    return {record.client_key_name for record in answer.context["cl"].result_list}


@pytest.fixture
def some(db: None) -> None:
    make_record(client_key_name="fine")
    make_record(client_key_name="failed", outcome="failed", reason="connect", attempts=[REFUSED])
    make_record(client_key_name="refused", outcome="refused", reason="quota", attempts=[])
    make_record(client_key_name="slow", total_ms=12_000.0)
    make_record(client_key_name="fell-back", attempts=[REFUSED, ANSWERED])
    make_record(client_key_name="lossy", losses=[["temperature", "not known there"]])
    make_record(client_key_name="fresh", cached_input_tokens=0)
    make_record(client_key_name="dear", cost_nano=2 * 10**8)
    make_record(client_key_name="unpriced", cost_nano=None)
    make_record(client_key_name="old", started_at=timezone.now() - timedelta(days=3))
    make_record(client_key_name="other", team_name="", original_model="x", request_model="y")


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("show=failed", {"failed"}),
        ("show=refused", {"refused"}),
        ("show=slow", {"slow"}),
        ("show=fell_back", {"fell-back"}),
        ("show=lossy", {"lossy"}),
        ("show=expensive", {"dear"}),
        ("show=unpriced", {"unpriced"}),
        ("outcome=failed:connect", {"failed"}),
        ("outcome=failed:timeout_idle", set()),
        ("key=slow", {"slow"}),
        ("key=SLOW", set()),
        ("model=y", {"other"}),
        ("model=x", {"other"}),
        ("provider=nobody", set()),
        ("q=%25", set()),
    ],
)
def test_each_question_finds_its_records(admin: Client, some: None, query: str, keys: set[str]):
    assert found(admin, query) == keys


def test_a_period_leaves_older_records_out(admin: Client, some: None):
    assert "old" not in found(admin, "range=24h")
    assert "old" in found(admin, "range=7d")
    assert "fresh" not in found(admin, "show=cached&range=24h")


def test_a_record_is_found_by_its_id_or_by_the_client_s_own(admin: Client, some: None):
    record = make_record(client_key_name="wanted", client_request_id="req 1%")
    assert found(admin, f"q={record.exchange_id}") == {"wanted"}
    assert found(admin, "q=req+1%25") == {"wanted"}


def test_the_list_asks_the_database_a_fixed_number_of_times_and_never_counts(
    admin: Client, django_assert_max_num_queries: Any
):
    for _ in range(60):
        make_record()
    admin.get(LIST)
    with django_assert_max_num_queries(4) as queries:
        answer = admin.get(LIST)
    assert not any("COUNT(" in query["sql"] for query in queries.captured_queries)
    assert len(answer.context["cl"].result_list) == 50
    assert "Older" in text(answer)


def test_the_page_of_a_record_tells_what_happened(admin: Client, db: None):
    record = make_record(
        attempts=[REFUSED, ANSWERED],
        losses=[["response_format.strict", "Anthropic has no strict mode."]],
        edits=["model"],
        end_user="<script>alert(1)</script>",
    )
    page = text(admin.get(f"{LIST}{record.pk}/change/"))
    for words in (
        "429 provider’s rate limit".replace("’", "&#x27;"),
        "The client saw nothing of the first attempt",
        "response_format.strict",
        "Anthropic has no strict mode.",
        "$0.031118000",
        "counted by the provider",
        str(record.exchange_id),
        "&lt;script&gt;alert(1)",
    ):
        assert words in page


def test_attempts_lie_on_one_line_of_time(db: None):
    steps = story(make_record(attempts=[REFUSED, ANSWERED])).steps
    assert [(step.start, step.length) for step in steps] == [(0, 100), (100, 400)]
    assert (steps[1].answered, steps[1].streaming) == (500, 500)


def test_nobody_can_add_change_or_delete_a_record(admin: Client, db: None):
    record = make_record()
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(f"{LIST}{record.pk}/delete/", {"post": "yes"}).status_code == 403
    admin.post(f"{LIST}{record.pk}/change/", {"outcome": "failed"})
    record.refresh_from_db()
    assert record.outcome == "completed"


def test_an_unknown_record_is_not_found(admin: Client, db: None):
    assert admin.get(f"{LIST}{uuid.uuid4()}/change/").status_code in (302, 404)


def test_every_outcome_and_reason_has_words():
    assert set(OUTCOME_MARKS) == set(OUTCOMES)
    assert set(REASON_WORDS) == set(OUTCOME_OF)
