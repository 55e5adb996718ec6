"""What was said is found by its meaning: on SQLite and PostgreSQL by NumPy, and by pgvector."""

from __future__ import annotations

import struct
import sys
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from tests.databases import apart
from tests.search.embedder import MODEL, Meaning, vector
from tests.search.test_erase import run
from tests.search.test_forgotten import files_with
from tests.transcripts.lines import NOON, chat, line, metadata, sealed, tool_talk, user
from usage.models import Embedding, Transcript
from usage.store import open_store, own_connection
from usage.transcripts.database import DAY, TABLE
from usage.transcripts.indexer import IndexInTheWay, Trouble
from usage.transcripts.meaning import MeaningUnavailable, check, has_pgvector, waiting
from usage.transcripts.passages import PassageTable, Placed, unit
from usage.transcripts.quotes import LONGEST, MOST

EVERYWHERE = pytest.mark.parametrize(
    "archive",
    [
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("pgvector", marks=pytest.mark.postgres),
    ],
    indirect=True,
)

COOKING = chat([user("How long must pasta boil in salted water?")], "Nine minutes of boiling.")
SAILING = chat([user("Which knot ties a boat to its mooring?")], "A bowline holds the boat.")


@EVERYWHERE
def test_the_nearest_transcript_comes_first_and_shows_the_passage(meaning: Meaning):
    cooking, sailing = line(NOON, **COOKING), line(NOON + 1, **SAILING)
    meaning.keep(cooking, sailing)
    found = meaning.found("salted water for the pasta")
    assert [str(hit.exchange_id) for hit in found.hits] == [
        cooking["exchange_id"],
        sailing["exchange_id"],
    ]
    first = found.hits[0]
    assert [piece.text for piece in first.snippet] == ["How long must pasta boil in salted water?"]
    assert (first.role, first.client_key, found.left_out) == ("user", "alice", False)
    [said] = meaning.found("bowline").hits[0].snippet
    assert said.text == "A bowline holds the boat."


@EVERYWHERE
def test_a_transcript_is_found_once_by_its_best_passage(meaning: Meaning):
    words = " ".join(f"filler{number}" for number in range(300))
    meaning.keep(line(**chat([user(f"{words} lighthouse {words}")], "The lighthouse")))
    [hit] = meaning.found("the lighthouse").hits
    assert (hit.role, hit.snippet[0].text) == ("assistant", "The lighthouse")


@EVERYWHERE
def test_filters_hold_as_they_do_for_words(meaning: Meaning):
    theirs = line(NOON, client_key="bob", status=502, session="s-1", **SAILING)
    meaning.keep(line(NOON, **SAILING), theirs, line(NOON + DAY, **SAILING))
    several: list[dict[str, Any]] = [{"key": "bob"}, {"status": "5xx"}, {"session": "s-1"}]
    for filters in several:
        assert meaning.ids("boat", **filters) == [theirs["exchange_id"]]
    assert meaning.ids("boat", provider="nobody") == []
    assert len(meaning.ids("boat", model="gpt-5")) == 3


@EVERYWHERE
def test_no_more_are_shown_than_asked_for(meaning: Meaning):
    meaning.keep(*(line(NOON + at, **SAILING) for at in range(5)))
    assert len(meaning.ids("boat", limit=3)) == 3


@EVERYWHERE
def test_numpy_compares_the_newest_and_says_that_there_are_more(meaning: Meaning):
    old = line(NOON, **COOKING)
    meaning.keep(old, line(NOON + 1, **SAILING), line(NOON + 2, **SAILING))
    found = meaning.found("pasta", compared=4)
    ids = [str(hit.exchange_id) for hit in found.hits]
    compares_all = has_pgvector()
    assert (old["exchange_id"] in ids, found.left_out) == (compares_all, not compares_all)
    assert not meaning.found("pasta", compared=6).left_out


@EVERYWHERE
def test_vectors_of_another_length_are_made_anew(meaning: Meaning):
    old = line(NOON, **COOKING)
    meaning.keep(old)
    meaning.server.size = 48
    meaning.keep(line(NOON + 1, **SAILING))
    assert meaning.marks() == ["acme/words-1 48", "acme/words-1 48"]
    assert meaning.ids("pasta")[0] == old["exchange_id"]


def test_vectors_of_another_length_are_made_anew_after_a_start_though_nothing_new_waits(
    meaning: Meaning,
):
    meaning.keep(line(NOON, **COOKING))
    meaning.server.size = 48
    meaning.start_again()
    meaning.index()
    assert meaning.marks() == ["acme/words-1 48"]
    assert len(meaning.ids("pasta")) == 1
    calls = len(meaning.server.asked)
    meaning.index()
    meaning.start_again()
    meaning.index()
    meaning.index()
    assert len(meaning.server.asked) == calls + 1, "a start asks once"


def test_what_is_made_anew_was_not_heard_yet(meaning: Meaning):
    meaning.keep(tool_talk()[2])
    meaning.server.size = 48
    meaning.keep(line(NOON, **COOKING))
    assert meaning.passages() == 4 + 2


WITH_PGVECTOR = pytest.mark.parametrize(
    "archive", [pytest.param("pgvector", marks=pytest.mark.postgres)], indirect=True
)
INDEX = """CREATE INDEX "My own" ON patchbay_usage_passage
    USING hnsw ((embedding::vector(48)) vector_cosine_ops)"""


@WITH_PGVECTOR
def test_an_index_for_another_length_is_named_and_nothing_is_lost(meaning: Meaning):
    meaning.archive.rows(INDEX)
    meaning.archive.keep(line(NOON, **SAILING))
    for _ in range(3):
        with pytest.raises(IndexInTheWay, match='DROP INDEX "My own"'):
            meaning.index()
    assert len(meaning.server.asked) == 1, "what could not be kept is not asked for"
    assert meaning.marks() == [None]
    with pytest.raises(MeaningUnavailable, match='"My own" is for vectors of 48 numbers.* have 64'):
        meaning.found("boat")
    meaning.archive.rows('DROP INDEX "My own"')
    meaning.index()
    assert len(meaning.ids("boat")) == 1


@WITH_PGVECTOR
def test_while_an_index_is_in_the_way_what_there_was_is_kept(meaning: Meaning):
    meaning.server.size = 48
    meaning.keep(line(NOON, **SAILING))
    meaning.archive.rows(INDEX)
    meaning.server.size = 64
    meaning.archive.keep(line(NOON, **COOKING))
    with pytest.raises(IndexInTheWay):
        meaning.index()
    assert meaning.marks() == ["acme/words-1 48", None]
    meaning.server.size = 48  # the operator changes the model back
    meaning.start_again()
    meaning.index()
    assert len(meaning.ids("boat")) == 2


@WITH_PGVECTOR
def test_an_index_of_pgvector_may_be_added_and_filters_still_find_everything(meaning: Meaning):
    meaning.server.size = 1024  # so that hardly two are the same
    many = [line(NOON + at, **chat([user(f"boat number {at}")], "Aye.")) for at in range(300)]
    meaning.keep(*many, rare := line(NOON, client_key="bob", **chat([user("a boat")], "Aye.")))
    meaning.archive.rows(
        "CREATE INDEX ON patchbay_usage_passage USING hnsw ((embedding::vector(1024)) vector_cosine_ops)"
    )
    meaning.archive.rows("ANALYZE")  # so few rows would be sorted, but for the next line
    meaning.archive.rows(f"ALTER DATABASE {meaning.archive.place['NAME']} SET enable_sort = off")
    connection.close()
    assert len(meaning.ids("boat number")) == 25
    assert meaning.ids("boat number", key="bob") == [rare["exchange_id"]]


def test_only_what_people_and_models_newly_say_is_sent(meaning: Meaning):
    meaning.keep(*tool_talk(), metadata())
    sent = meaning.server.texts
    assert sorted(sent) == ["Thank you.", "The number 42.", "What is in a.txt?", "You are welcome."]


def test_a_conversation_is_embedded_once_however_its_requests_come(meaning: Meaning):
    for each in tool_talk():
        meaning.keep(each)
    sent = meaning.server.texts
    assert sorted(sent) == ["Thank you.", "The number 42.", "What is in a.txt?", "You are welcome."]


def test_what_could_not_be_embedded_was_not_heard(meaning: Meaning):
    meaning.server.answers.append((503, b""))
    meaning.archive.keep(tool_talk()[2])
    with pytest.raises(Trouble):
        meaning.index()
    meaning.index()
    first, second = meaning.server.asked
    assert len(first["input"]) == 4
    assert first == second


def test_long_texts_are_cut_at_blanks_and_no_transcript_takes_more_than_its_share(
    meaning: Meaning,
):
    long = " ".join(f"word{number}" for number in range(3000))
    meaning.keep(line(**chat([user(long)], "Short.")))
    sent = meaning.server.texts
    assert len(sent) == meaning.passages() == MOST
    assert {"Short."} < set(sent)
    assert all(len(text) <= LONGEST for text in sent)
    assert set(" ".join(sent).split()) <= {*long.split(), "Short."}, "no word is cut"


def test_what_is_sealed_is_never_sent(meaning: Meaning):
    meaning.archive.keep(sealed(line(**SAILING)))
    meaning.index()
    assert (meaning.server.asked, meaning.passages()) == ([], 0)
    assert waiting("acme/words-1") == 0


def test_what_was_kept_before_there_were_passages_waits_for_its_own(meaning: Meaning):
    meaning.archive.keep(line(**SAILING), sealed(line(**COOKING)))
    for target in ("0006_sealed_transcripts", "0008_embeddings"):
        apart(partial(call_command, "migrate", "patchbay_usage", target, verbosity=0))
    assert waiting("acme/words-1") == 1
    meaning.index()
    assert len(meaning.ids("boat")) == 1


def test_who_deletes_transcripts_waits_for_nobody_who_waits_for_him(meaning: Meaning):
    meaning.archive.keep(line(NOON, **SAILING))
    own, eraser = own_connection(), open_store(own_connection())
    table = PassageTable(open_store(own), MODEL, own.vendor == "postgresql")
    [(number, _)] = table.waiting(1)
    thread = Thread(target=table.enter, args=({number: [Placed(0, [1.0, 0.0])]},))
    with eraser.transaction():
        eraser.query("DELETE FROM patchbay_usage_transcript WHERE number = %s", [number])
        thread.start()
        thread.join(0.3)
    thread.join(10)
    assert not thread.is_alive()
    assert (meaning.passages(), meaning.marks()) == (0, [])
    table.close()
    eraser.close()


def test_each_transcript_is_embedded_once_and_those_that_wait_are_counted(meaning: Meaning):
    meaning.archive.keep(line(**SAILING), metadata(), line(**COOKING))
    assert waiting("acme/words-1") == 3
    meaning.index()
    assert waiting("acme/words-1") == 0
    calls = len(meaning.server.asked)
    meaning.index()
    assert len(meaning.server.asked) == calls
    assert meaning.marks() == ["acme/words-1 64", "acme/words-1 0", "acme/words-1 64"]


def test_what_another_model_made_is_made_anew(meaning: Meaning):
    meaning.keep(line(**SAILING))
    Embedding.objects.update(made_with="acme/words-10 64")
    assert meaning.ids("boat") == []
    assert waiting("acme/words-1") == 1
    meaning.indexer._tidy = False  # as one that has just started
    meaning.index()
    assert meaning.passages() == 2
    assert len(meaning.ids("boat")) == 1


@EVERYWHERE
def test_whoever_deletes_a_transcript_deletes_its_passages(meaning: Meaning):
    gone, kept = line(NOON, **SAILING), line(NOON + 40 * DAY, **COOKING)
    meaning.keep(gone, kept)
    assert meaning.passages() == 4
    meaning.archive.rows(f"DELETE FROM {TABLE} WHERE started_at < '2026-07-05'")  # noqa: S608
    assert meaning.passages() == 2
    assert len(meaning.marks()) == 1
    assert meaning.ids("boat") == [kept["exchange_id"]]
    table = meaning.archive.table()
    table.prune(1e-9)
    table.close()
    assert (meaning.passages(), meaning.marks()) == (0, [])


def test_after_an_erasure_no_vector_is_left(meaning: Meaning, tmp_path: Path, settings: Any):
    settings.LOG_DIR = tmp_path / "logs"
    meaning.keep(line(end_user="ada", **SAILING), line(end_user="bob", **COOKING))
    said = unit(vector("A bowline holds the boat."))
    assert said is not None
    stored = struct.pack(f"<{len(said)}e", *said)
    if meaning.archive.vendor == "sqlite":
        assert files_with(stored)
    assert "would erase 1 transcript" in run("--end-user", "ada", "--dry-run")
    run("--end-user", "ada", "--yes")
    assert meaning.passages() == 2
    assert meaning.archive.rows("SELECT count(*) FROM patchbay_usage_passage p "
        "WHERE transcript_id NOT IN (SELECT number FROM {table})") == [(0,)]  # fmt: skip
    if meaning.archive.vendor == "sqlite":
        assert files_with(stored) == []


def test_who_is_erased_while_the_model_is_asked_gets_no_passages(meaning: Meaning):
    gone, kept = line(NOON, end_user="ada", **SAILING), line(NOON + 1, **COOKING)
    meaning.archive.keep(gone, kept)
    erase = Transcript.objects.filter(end_user="ada").delete
    meaning.server.meanwhile = lambda: apart(erase)
    meaning.index()
    meaning.server.meanwhile = lambda: None
    assert meaning.passages() == 2
    assert meaning.ids("boat") == [kept["exchange_id"]]


def test_without_numpy_a_sentence_says_what_to_install(
    meaning: Meaning, monkeypatch: pytest.MonkeyPatch
):
    check()
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(MeaningUnavailable, match=r"pip install -r requirements-meaning\.in"):
        check()
