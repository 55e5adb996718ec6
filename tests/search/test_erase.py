"""Somebody is erased from the database, on each kind: rows, words of the index, names in the books."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.admin.test_records import make_record
from tests.search.archive import Archive, found
from tests.transcripts.lines import NOON, chat, line, user
from usage.erasure import pseudonym
from usage.models import UsageRecord

OPTIONS = {"--end-user": "end_user", "--key": "client_key", "--session": "session"}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, settings: Any) -> Path:
    """LOG_DIR of this test; nothing is in it."""
    settings.LOG_DIR = tmp_path / "logs"
    return tmp_path / "logs"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("erase", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("option", OPTIONS)
def test_transcripts_go_and_so_do_their_words(archive: Archive, option: str):
    whose: dict[str, Any] = {OPTIONS[option]: "ada"}
    said = chat([user("The treasure is buried under the oak")], "Yes.")
    theirs = [line(NOON + at, **whose, **said) for at in range(3)]
    another = line(NOON + 9, **said)
    archive.keep(*theirs, another)
    assert "would erase 3 transcripts in the database" in run(option, "ada", "--dry-run")
    assert archive.count() == 4
    assert "erased 3 transcripts in the database" in run(option, "ada", "--yes")
    assert found("treasure") == [another["exchange_id"]]
    assert (archive.count(), archive.indexed("treasure")) == (1, 1)


def test_the_books_know_nobody_any_more(archive: Archive):
    for session in ("s-1", "s-2", "s-2", ""):
        make_record(end_user="ada", session=session, client_request_id="r")
    make_record(end_user="bob", session="s-1", client_request_id="r")
    assert "pseudonymised 4 records" in run("--end-user", "ada", "--yes")
    assert "nothing of the end user ada" in run("--end-user", "ada", "--yes")
    names = UsageRecord.objects.order_by("started_at").values_list(
        "end_user", "session", "client_request_id"
    )
    ada = pseudonym("ada")
    assert list(names) == [
        (ada, pseudonym("s-1"), ""),
        (ada, pseudonym("s-2"), ""),
        (ada, pseudonym("s-2"), ""),
        (ada, "", ""),
        ("bob", "s-1", "r"),
    ]
