"""Embedding in the background: what goes wrong is waited out, and nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
import random
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from proxyproject.logs import outputs
from tests.chaos import Chaos
from tests.databases import apart
from tests.house import OPENAI_SECRET, open_house, provider, rule
from tests.search.archive import Archive
from tests.search.embedder import (
    MODEL,
    SECRET,
    EmbeddingServer,
    Meaning,
    embedder,
    sample,
    until,
)
from tests.transcripts.lines import NOON, chat, line, user
from usage.models import Passage, Transcript
from usage.store import open_store, own_connection
from usage.transcripts.indexer import (
    LONGEST_WAIT_FOR_MODEL,
    MOST_TEXTS,
    Indexer,
    Trouble,
    wait_seconds,
)
from usage.transcripts.meaning import MeaningUnavailable
from usage.transcripts.passages import MOST_READ, PassageTable, Placed

SAILING = chat([user("Which knot ties a boat to its mooring?")], "A bowline holds the boat.")


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_how_many_wait_is_told_while_the_model_is_away(meaning: Meaning, tmp_path: Path):
    told: list[int] = []
    meaning.server.broken = True
    meaning.archive.keep(line(**SAILING), line(**SAILING))
    indexer = Indexer(embedder(), MODEL, tmp_path / "other.lock", tell=told.append)
    indexer.start()
    until(lambda: told)
    indexer.stop(5)
    assert told[0] == 2


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_a_refused_secret_says_where_to_set_it(meaning: Meaning, code: int):
    meaning.archive.keep(line(**SAILING))
    meaning.server.answers.append((code, b""))
    with pytest.raises(Trouble, match=rf"answered {code}: .* Set its credential in the admin\."):
        meaning.index()


def test_one_transcript_that_is_refused_keeps_no_other_out(
    meaning: Meaning, caplog: pytest.LogCaptureFixture
):
    meaning.server.refuses = "poison"
    lines = [line(NOON + at, **chat([user(f"boat number {at}")], "Aye.")) for at in range(5)]
    poisoned = line(NOON, **chat([user("poison")], "No."))
    meaning.keep(*lines[:3], poisoned, *lines[3:])
    assert meaning.marks() == ["acme/words-1 64"] * 6
    assert set(meaning.ids("boat")[:5]) == {each["exchange_id"] for each in lines}
    assert meaning.passages() == 11, "what was said beside it is there"
    assert f"1 of 2 pieces of transcript {poisoned['exchange_id']}," in caplog.text


def test_who_is_erased_between_two_calls_is_not_sent_any_more(meaning: Meaning):
    lines = [line(NOON + at, **chat([user(f"boat number {at}")], f"Aye {at}.")) for at in range(20)]
    meaning.archive.keep(*lines)
    meaning.server.meanwhile = lambda: apart(Transcript.objects.all().delete)
    meaning.index()
    assert len(meaning.server.asked) == 1
    assert meaning.passages() == 0


def test_who_is_erased_between_two_pieces_is_not_sent_any_more(meaning: Meaning):
    words = " ".join(f"word{number}" for number in range(1500))
    meaning.server.refuses = "poison"
    meaning.archive.keep(line(NOON, **chat([user(f"poison {words}")], "Yes.")))

    def erase() -> None:
        if len(meaning.server.asked) == 3:  # after the whole and a trial the first piece
            apart(Transcript.objects.all().delete)

    meaning.server.meanwhile = erase
    meaning.index()
    assert len(meaning.server.asked) == 3


def test_lengths_that_change_are_not_paid_without_end(meaning: Meaning):
    def change() -> None:
        meaning.server.size = 48 if meaning.server.size == 64 else 64

    meaning.server.meanwhile = change
    meaning.archive.keep(*(line(NOON + at, **SAILING) for at in range(30)))
    with pytest.raises(Trouble, match="lengths that change"):
        meaning.index()
    assert len(meaning.server.asked) < 10


def test_a_transcript_that_two_hosts_embed_has_its_passages_once(meaning: Meaning):
    meaning.archive.keep(line(NOON, **SAILING))
    connections = [own_connection() for _ in range(2)]
    tables = [
        PassageTable(open_store(each), MODEL, each.vendor == "postgresql") for each in connections
    ]
    waiting = [table.waiting(5) for table in tables]
    for table, [(number, _)] in zip(tables, waiting, strict=True):
        table.enter({number: [Placed(0, [1.0, 0.0]), Placed(1, [0.0, 1.0])]})
        table.close()
    assert meaning.passages() == 2


def test_what_the_database_refuses_is_not_paid_for_again(
    meaning: Meaning, caplog: pytest.LogCaptureFixture
):
    if connection.vendor == "postgresql":
        meaning.archive.rows("ALTER TABLE patchbay_usage_passage ADD CHECK (position <> 1)")
    else:
        meaning.archive.rows(
            "CREATE TRIGGER refuses BEFORE INSERT ON patchbay_usage_passage WHEN new.position = 1 "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    one = line(NOON, **chat([user("boat")], ""))
    refused = line(NOON, **SAILING)
    meaning.keep(refused, one)
    calls = len(meaning.server.asked)
    assert meaning.ids("boat") == [one["exchange_id"]]
    assert f"does not take the passages of transcript {refused['exchange_id']} (" in caplog.text
    meaning.index()
    assert len(meaning.server.asked) == calls + 1, "the question alone"


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_where_nothing_could_be_searched_nothing_is_sent(
    meaning: Meaning, monkeypatch: pytest.MonkeyPatch
):
    meaning.archive.keep(line(**SAILING))
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(MeaningUnavailable, match="needs NumPy"):
        meaning.index()
    assert meaning.server.asked == []


def test_a_model_that_refuses_everything_is_waited_for(meaning: Meaning):
    meaning.archive.keep(line(**SAILING), line(**SAILING))
    meaning.server.broken = True
    with pytest.raises(Trouble, match="answered 400: it refuses the request"):
        meaning.index()
    assert meaning.marks() == [None, None]
    assert len(meaning.server.asked) == 2, "once for the transcripts, once to try"


def test_a_call_has_no_more_texts_than_it_may(meaning: Meaning):
    words = " ".join(f"word{number}" for number in range(1500))
    meaning.keep(*(line(NOON + at, **chat([user(f"{at} {words}")], "Yes.")) for at in range(20)))
    assert max(len(asked["input"]) for asked in meaning.server.asked) <= MOST_TEXTS
    assert {asked["model"] for asked in meaning.server.asked} == {"words-1"}
    assert all(meaning.marks())


def test_numbers_too_small_to_be_squared_still_have_a_direction(meaning: Meaning):
    tiny = b'{"data":[{"embedding":[3e-50,4e-50]},{"embedding":[5e-324,0]}]}'
    meaning.server.answers.append((200, tiny))
    meaning.keep(line(**SAILING))
    kept = Passage.objects.order_by("embedding").values_list("embedding", flat=True)
    stored = [
        struct.unpack("<2e", each) if meaning.archive.vendor == "sqlite" else each for each in kept
    ]
    assert sorted(map(list, stored)) == [pytest.approx([0.6, 0.8], abs=1e-3), [1.0, 0.0]]


def test_what_is_read_at_once_is_bounded(meaning: Meaning):
    """Whole transcripts, up to some megabytes as they are stored; one that is larger comes alone."""
    large = random.Random(1).randbytes(3 * 2**20).hex()
    lines = [line(NOON + at, **chat([user(large)], f"Aye {at}.")) for at in range(4)]
    meaning.archive.keep(*lines)
    own = own_connection()
    table = PassageTable(open_store(own), MODEL, own.vendor == "postgresql")
    rows = table.waiting(10)
    table.close()
    assert 1 <= len(rows) < 4
    assert sum(len(packed) for _, packed in rows) <= MOST_READ


def test_what_points_nowhere_is_no_passage(meaning: Meaning):
    meaning.server.answers.append((200, b'{"data":[{"embedding":[0,0]},{"embedding":[0,2]}]}'))
    meaning.keep(line(**SAILING))
    assert (meaning.passages(), meaning.marks()) == (1, ["acme/words-1 2"])


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_the_thread_waits_a_failure_out_and_says_once_what_it_is(
    meaning: Meaning, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "patchbay.transcripts")
    meaning.archive.keep(line(**SAILING))
    meaning.server.answers.extend([(503, b""), (503, b""), (429, b"")])
    meaning.indexer.start()
    until(meaning.passages)
    until(lambda: len(caplog.messages) == 3)
    meaning.indexer.stop(5)
    why = (
        "transcripts cannot be embedded for search by meaning, and will be: "
        "acme/words-1 (EMBEDDING_MODEL): The vendor answered "
    )
    assert caplog.messages == [
        f"{why}503: it has a fault of its own.",
        f"{why}429: it asks us to slow down.",
        "transcripts are embedded for search by meaning again, after 3 tries that failed",
    ]


def test_each_wait_is_twice_as_long_up_to_the_longest():
    waits = [wait_seconds(failures, LONGEST_WAIT_FOR_MODEL) for failures in range(1, 13)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert wait_seconds(10_000, 60) == 60


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_of_a_host_s_workers_one_embeds_until_it_stops(meaning: Meaning, tmp_path: Path):
    first, second = (Indexer(embedder(), MODEL, tmp_path / "meaning.lock") for _ in range(2))
    first.start()
    meaning.archive.keep(line(**SAILING))
    until(meaning.passages)
    second.start()
    meaning.archive.keep(line(**SAILING))
    until(lambda: meaning.passages() == 4)
    assert second._table is None, "it has not begun"
    first.stop(5)
    second.stop(5)


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_a_stop_does_not_wait_for_a_model_that_hangs(meaning: Meaning):
    asked, goes_on = threading.Event(), threading.Event()

    def hang() -> None:
        asked.set()
        goes_on.wait(20)

    meaning.server.meanwhile = hang
    meaning.archive.keep(line(**SAILING))
    meaning.indexer.start()
    assert asked.wait(10)
    began = time.monotonic()
    meaning.indexer.stop(0.2)
    assert time.monotonic() - began < 5
    goes_on.set()
    meaning.indexer.stop(10)


async def test_what_a_client_says_is_embedded_behind_its_back(
    archive: Archive, chaos: Chaos, server: EmbeddingServer, tmp_path: Path
):
    providers = [
        provider("openai", chaos.openai_url, OPENAI_SECRET),
        provider("openai_compatible", server.url, SECRET, name="acme", models=("words-1",)),
    ]
    configuration = {"providers": providers, "rules": [rule("all", "*", ["openai"])]}
    settings: dict[str, Any] = {
        "LOG_BODIES": "full",
        "LOG_DIR": tmp_path / "logs",
        "TRANSCRIPT_SINKS": ("database",),
        "EMBEDDING_MODEL": MODEL,
    }
    async with open_house(chaos, tmp_path / "var", configuration, **settings) as house:
        said = [user("My mail is ada@example.com, and the boat drifts")]
        await house.chat("gpt-test", messages=said)
        await house.settled()
        await asyncio.to_thread(outputs().flush)
        await asyncio.to_thread(until, lambda: server.texts)
        await asyncio.to_thread(until, lambda: sample("patchbay_embedding_waiting") == 0)
        told = (await house.client.get("/metrics")).text
    assert "My mail is <EMAIL_1>, and the boat drifts" in server.texts
    assert 'patchbay_embedding_calls_total{model="words-1",provider="acme",reason="ok"}' in told


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "changed",
    [{"EMBEDDING_MODEL": ""}, {"TRANSCRIPT_ENCRYPTION": True}, {"TRANSCRIPT_SINKS": ("file",)}],
)
async def test_nothing_is_embedded_where_it_is_not_wanted(
    archive: Archive, chaos: Chaos, tmp_path: Path, changed: dict[str, Any]
):
    settings: dict[str, Any] = {
        "EMBEDDING_MODEL": MODEL,
        "TRANSCRIPT_SINKS": ("database",),
        **changed,
    }
    async with open_house(chaos, tmp_path / "var", LOG_DIR=tmp_path / "logs", **settings):
        assert "transcripts-meaning" not in {thread.name for thread in threading.enumerate()}
