"""What embedding costs: each call is in the books, and counted, whatever goes wrong."""

from __future__ import annotations

from typing import Any

import pytest

from providers.models import ModelPrice, Provider
from routing.embedding import NAME
from tests.search.embedder import SECRET, Meaning, locked_while_asked, sample, until
from tests.transcripts.lines import chat, line, user
from usage.models import UsageRecord, UsageRollup
from usage.transcripts.indexer import Trouble

SAILING = chat([user("Which knot ties a boat to its mooring?")], "A bowline holds the boat.")


def test_each_call_is_a_record_with_its_cost(meaning: Meaning):
    meaning.keep(line(**SAILING))
    record = UsageRecord.objects.get()
    assert (record.kind, record.client_key_name, record.outcome) == ("embedding", NAME, "completed")
    assert (record.provider_name, record.request_model, record.response_model) == (
        "acme",
        "words-1",
        "words-1",
    )
    assert (record.input_tokens, record.usage_source, record.cost_nano) == (14, "provider", 28_000)
    assert (record.credential_label, record.price_id) == ("main", "own acme/words-1")
    assert meaning.server.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert UsageRollup.objects.filter(client_key_name=NAME, requests=1).count() == 2


def test_where_the_model_does_not_count_tokens_they_are_estimated(meaning: Meaning):
    meaning.server.answers.append((200, b'{"data":[{"embedding":[1,0]},{"embedding":[0,2]}]}'))
    meaning.keep(line(**SAILING))
    record = UsageRecord.objects.get()
    assert (record.usage_source, record.input_tokens) == ("estimated", 16)


def test_a_model_without_a_price_costs_what_nobody_knows(meaning: Meaning):
    ModelPrice.objects.all().delete()
    meaning.keep(line(**SAILING))
    assert UsageRecord.objects.get().cost_nano is None


def test_the_price_library_knows_what_embeddings_cost(meaning: Meaning, settings: Any):
    ModelPrice.objects.all().delete()
    Provider.objects.update(adapter="openai")
    settings.EMBEDDING_MODEL = "acme/text-embedding-3-small"
    meaning.keep(line(**SAILING))
    assert UsageRecord.objects.get().cost_nano == 14 * 20


def test_calls_are_counted_with_tokens_and_cost(meaning: Meaning):
    def counted() -> list[float]:
        return [
            sample("patchbay_embedding_calls_total", reason="ok"),
            sample("patchbay_embedding_calls_total", reason="upstream_error"),
            sample("patchbay_embedding_tokens_total"),
            sample("patchbay_embedding_cost_dollars_total"),
            sample("patchbay_embedding_unpriced_calls_total"),
        ]

    before = counted()
    meaning.server.answers.append((503, b""))
    meaning.archive.keep(line(**SAILING))
    with pytest.raises(Trouble):
        meaning.index()
    meaning.index()
    ModelPrice.objects.all().delete()
    meaning.keep(line(**SAILING))
    counts = [now - then for now, then in zip(counted(), before, strict=True)]
    assert counts == [2, 1, 28, pytest.approx(28e-6), 1]


def test_a_failed_call_is_a_record_and_what_waits_is_embedded_later(meaning: Meaning):
    meaning.archive.keep(line(**SAILING))
    meaning.server.answers.append((503, b""))
    with pytest.raises(Trouble, match="answered 503: it has a fault of its own"):
        meaning.index()
    assert (meaning.passages(), meaning.marks()) == (0, [None])
    meaning.index()
    assert meaning.passages() == 2
    outcomes = UsageRecord.objects.order_by("exchange_id").values_list(
        "outcome", "reason", "cost_nano"
    )
    assert list(outcomes) == [("failed", "upstream_error", 0), ("completed", "ok", 28_000)]


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_a_call_is_in_the_books_though_the_database_was_locked_when_it_came(meaning: Meaning):
    meaning.archive.keep(line(**SAILING))
    with locked_while_asked(meaning.server), pytest.raises(Exception, match="locked"):
        meaning.index()
    assert (meaning.passages(), UsageRecord.objects.count()) == (0, 0)
    meaning.index()
    assert meaning.passages() == 2
    assert [record.outcome for record in UsageRecord.objects.all()] == ["completed"] * 2


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_a_call_that_never_reaches_the_books_is_told(
    meaning: Meaning, caplog: pytest.LogCaptureFixture
):
    meaning.archive.keep(line(**SAILING))
    with locked_while_asked(meaning.server):
        meaning.indexer.start()
        until(lambda: "cannot be embedded" in caplog.text)
        meaning.indexer.stop(10)
    assert (
        "calls to the embedding model that are not in the books: 1 (OperationalError)"
        in caplog.text
    )
