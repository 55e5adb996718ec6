"""The table of transcripts: each exchange once, found by what is new in it, and gone when it is old."""

from __future__ import annotations

import importlib
import io
import json
import random
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.search.archive import Archive, found
from tests.transcripts.lines import NOON, chat, encoded, line, messages, metadata, tool_talk, user
from usage.models import Transcript
from usage.store import own_connection
from usage.transcripts.database import DAY, PRUNED_AT_ONCE, row_of
from usage.transcripts.database_writer import TranscriptWriter
from usage.transcripts.read_database import find_in_database
from usage.transcripts.stored import read_line


def test_a_line_comes_back_as_it_was_and_takes_less_room(archive: Archive):
    long = line(**chat([user("All work and no play. " * 500)], "Indeed."))
    archive.keep(long)
    kept = find_in_database(uuid.UUID(long["exchange_id"]))
    assert kept is not None
    assert json.loads(kept.data) == long
    assert find_in_database(uuid.uuid4()) is None
    [(size,)] = archive.rows("SELECT length(line) FROM {table}")
    assert size < 1000


def test_what_comes_twice_is_kept_once(archive: Archive):
    first, second = line(), line()
    archive.keep(first)
    archive.keep(first, second, second)
    assert archive.count() == archive.indexed("paris") == 2


def test_what_is_no_transcript_is_left_out(archive: Archive):
    writer = TranscriptWriter()
    writer.write(encoded(line(), b'{"event":"log_gap","dropped":3}', b"\xff{", line()))
    writer.close()
    assert archive.count() == 2


def test_what_no_column_takes_is_cut(archive: Archive):
    archive.keep(
        line(session="s" * 1000, model="nul\0nul"),
        line(end_user="é" * 900, status=10**30, request_model="\0"),
    )
    rows = archive.rows(
        "SELECT length(session), model, length(end_user) FROM {table} ORDER BY number"
    )
    assert rows == [(200, "nulnul", 0), (0, "gpt-5", 200)]


def test_what_no_database_takes_keeps_no_other_out(archive: Archive):
    good, bad = line(), line()
    table = archive.table()
    rows = [_row(good), (_row(bad)[0], None, *_row(bad)[2:]), _row(line())]
    assert table.enter(rows) == 1
    table.close()
    assert archive.count() == 2


def test_a_conversation_is_indexed_once_and_not_with_each_of_its_requests(archive: Archive):
    talk = tool_talk()
    archive.keep(*talk)
    assert [archive.indexed(word) for word in ("careful", "txt", "forty", "welcome")] == [
        1,
        1,
        1,
        1,
    ]
    assert found("forty-two") == [talk[1]["exchange_id"]]
    assert found("number") == [talk[1]["exchange_id"]]


def test_one_that_begins_in_the_middle_is_indexed_from_its_beginning(archive: Archive):
    last = tool_talk()[2]
    archive.keep(last)
    for word in ("careful", "txt", "forty-two", "number", "thank", "welcome"):
        assert found(word) == [last["exchange_id"]]


def test_what_another_key_heard_is_heard_anew(archive: Archive):
    first, last = tool_talk()[0], {**tool_talk()[2], "client_key": "bob"}
    archive.keep(first, last)
    assert found("careful", key="bob") == [last["exchange_id"]]


def test_the_same_question_is_found_each_time_that_it_is_asked(archive: Archive):
    archive.keep(line(), line(), line())
    assert len(found("capital of France")) == 3


def test_the_protocol_is_not_what_was_said(archive: Archive):
    archive.keep(*tool_talk(), line(**messages([user("Guten Tag")], "Hallo.")))
    archive.keep(metadata())
    archive.keep(
        line(client_format="unknown", request={"input": "embed me"}, response={"data": [1]})
    )
    for word in ("role", "assistant", "content", "calls", "choices", "stop", "input", "gpt"):
        assert archive.indexed(word) == 0, word
    assert archive.indexed("embed") == archive.indexed("tag") == 1


def test_of_a_body_that_was_cut_the_beginning_is_found_without_its_protocol(archive: Archive):
    body = json.dumps({"model": "gpt-5", "messages": [user('Say "höher" and "wei\\ter"')] * 3})
    cut: dict[str, Any] = {"request": {"text": body[:-60]}, "truncated": {"request": 60}}
    archive.keep(line(**cut), line(**cut))
    assert archive.indexed("say") == 1, "the second one has nothing new"
    assert archive.indexed("hoher") == 1
    assert archive.indexed("messages") == archive.indexed("role") == archive.indexed("user") == 0


def test_words_of_every_script_go_into_the_index_and_out_of_it(archive: Archive):
    chance = random.Random(7)
    letters = [chr(code) for code in range(1, 0x11000) if not 0xD800 <= code < 0xE000]
    texts = ["".join(chance.choices(letters, k=300)) for _ in range(50)]
    archive.keep(*(line(**chat([user(text)], "yes")) for text in texts))
    assert archive.count() == 50
    for text in texts:
        word = max(text.split(), key=len)
        assert found(f'"{word}"'), word


def test_old_transcripts_go_with_their_words_and_others_stay(archive: Archive):
    now = time.time()
    old, young = line(now - 31 * DAY), line(now - 29 * DAY)
    archive.keep(old, young)
    table = archive.table()
    assert table.prune(0)
    assert (table.count_old(0), table.count_old(30)) == (0, 1)
    assert archive.count() == 2
    assert table.prune(30)
    table.close()
    assert found("paris") == [young["exchange_id"]]
    assert archive.indexed("paris") == 1


def test_pruning_takes_no_longer_than_it_may_and_goes_on_the_next_time(archive: Archive):
    archive.keep(*(line(NOON) for _ in range(PRUNED_AT_ONCE * 2 + 10)))
    table = archive.table()
    assert not table.prune(1, seconds=0)
    assert archive.count() == PRUNED_AT_ONCE + 10
    assert table.prune(1)
    assert archive.count() == 0
    table.close()


def test_whoever_deletes_a_row_deletes_its_words(archive: Archive):
    first, second = line(), line()
    archive.keep(first, second)
    archive.rows("DELETE FROM {table} WHERE exchange_id = %s", _row(first)[0])
    assert archive.indexed("paris") == 1
    if archive.vendor == "sqlite":
        archive.rows("INSERT INTO {table}_index({table}_index) VALUES ('integrity-check')")


def test_the_migration_can_be_undone_and_done_again(archive: Archive):
    migration = importlib.import_module("usage.migrations.0004_transcript")
    archive.keep(line())
    with connection.schema_editor() as editor:
        migration.drop_index(None, editor)
        archive.rows("DELETE FROM patchbay_usage_embedding")
        editor.delete_model(Transcript)
        editor.create_model(Transcript)
        migration.make_index(None, editor)
    archive.keep(line())
    assert archive.indexed("paris") == 1


def _row(made: dict[str, Any]) -> tuple[Any, ...]:
    return row_of(read_line(encoded(made), Path()), "words")


def test_the_writer_has_a_connection_of_its_own(archive: Archive):
    made = own_connection()
    writer = TranscriptWriter(lambda: made)
    writer.write(encoded(line()))
    assert made.connection is not connection.connection
    writer.close()
    assert made.connection is None


def test_clean_logs_removes_old_ones_and_a_dry_run_only_counts_them(
    archive: Archive, tmp_path: Path, settings: Any
):
    settings.LOGGING = {**settings.LOGGING, "directory": tmp_path / "logs"}
    now = time.time()
    archive.keep(line(now - 31 * DAY), line(now - 31 * DAY), line(now))

    def last() -> str:
        out = io.StringIO()
        call_command("clean_logs", *arguments, stdout=out)
        return out.getvalue().splitlines()[-1]

    arguments = ["--dry-run"]
    assert last() == "would remove 2 of the transcripts in the database, older than 30 days"
    assert archive.count() == 3
    arguments = []
    assert last() == "removed 2 of the transcripts in the database, older than 30 days"
    assert archive.count() == 1
    assert "database" not in last(), "it is no sink, and nothing is left to remove"
    settings.TRANSCRIPT_SINKS = ("database",)
    assert last().startswith("removed 0 of the transcripts")
    archive.rows("ALTER TABLE {table} RENAME TO elsewhere")
    with pytest.raises(CommandError, match="transcripts in the database cannot be removed"):
        last()
