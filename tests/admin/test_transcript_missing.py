"""Where there is no transcript to show: why there is none, and who decides."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from routing.models import Rule
from tests.admin.pages import text
from tests.admin.test_records import make_record
from tests.admin.test_transcript_page import path
from tests.transcripts.lines import encoded, line, live
from usage.issue import issue_key
from usage.models import ClientKey, Team, UsageRecord


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, settings: Any) -> Path:
    """LOG_DIR of this test."""
    settings.LOG_DIR = tmp_path / "logs"
    return tmp_path / "logs"


@pytest.fixture
def asked(rule: Rule, team: Team) -> UsageRecord:
    """A request of a key in a team that a rule took, and of which no file has anything."""
    key, _ = issue_key("ci", team=team)
    return make_record(client_key_id=key.pk, client_key_name="ci", rule_name=rule.name)


@pytest.mark.parametrize(
    ("key", "team_says", "rule_says", "default", "sentence"),
    [
        ("", "", "", "off", "off for this key, says the setting LOG_BODIES."),
        ("off", "full", "full", "full", "off for this key, says the client key ci."),
        ("", "off", "full", "full", "off for this key, says the team Research."),
        ("", "", "off", "full", "off for this key, says the rule GPT."),
        ("full", "off", "off", "off", "Not found."),
    ],
)
def test_why_there_is_none_is_told_with_who_decides(
    admin: Client,
    asked: UsageRecord,
    settings: Any,
    key: str,
    team_says: str,
    rule_says: str,
    default: str,
    sentence: str,
):
    settings.LOG_BODIES = default
    ClientKey.objects.update(transcripts=key)
    Team.objects.update(transcripts=team_says)
    Rule.objects.update(transcripts=rule_says)
    part = text(admin.get(path(asked, "kept")))
    assert sentence in " ".join(html.unescape(re.sub(r"<[^>]+>", "", part)).split())
    page = admin.get(path(asked))
    assert page.status_code == 404
    assert sentence.split()[0] in text(page)


def test_of_a_share_it_is_said_how_large_that_is(admin: Client, asked: UsageRecord):
    ClientKey.objects.update(transcripts="full", transcript_share=12.5)
    part = text(admin.get(path(asked, "kept")))
    assert "12.5 % are kept" in part


@pytest.mark.parametrize(
    ("sinks", "sentence"),
    [
        (("file",), "Its file was removed by age or count, it was erased,"),
        (("database",), "Its row in the database was removed by age, it was erased,"),
        (
            ("file", "database"),
            "Its file was removed by age or count and its row in the database by age, it was erased,",
        ),
        ((), "Transcripts go nowhere, says the setting TRANSCRIPT_SINKS."),
    ],
)
def test_it_speaks_of_the_sinks_that_are_set(
    admin: Client, asked: UsageRecord, settings: Any, sinks: tuple[str, ...], sentence: str
):
    settings.TRANSCRIPT_SINKS = sinks
    ClientKey.objects.update(transcripts="full")
    for page in ("kept", "transcript", "conversation"):
        said = html.unescape(re.sub(r"<[^>]+>", "", text(admin.get(path(asked, page)))))
        assert sentence in " ".join(said.split())


def test_who_may_not_see_keys_gets_no_link_to_one(staff: Callable[..., Client], asked: UsageRecord):
    ClientKey.objects.update(transcripts="off")
    part = text(staff("view_usagerecord", "view_transcript").get(path(asked, "kept")))
    assert "the client key ci" in part
    assert "<a" not in part


def test_what_no_rule_took_was_not_kept(admin: Client, db: None):
    record = make_record(rule_name="", outcome="refused", reason="unknown_model")
    assert "No rule took this request" in text(admin.get(path(record, "kept")))


def test_a_line_that_is_damaged_is_named(admin: Client, asked: UsageRecord, directory: Path):
    broken = encoded(line(exchange_id=str(asked.pk)))[:-40]
    live(directory, line(), broken, line())
    page = admin.get(path(asked))
    assert page.status_code == 404
    assert "transcripts.log, line 2: it is cut off" in text(page)


def test_a_directory_that_cannot_be_read_is_named(
    admin: Client, asked: UsageRecord, directory: Path
):
    directory.mkdir(parents=True)
    (directory / "transcripts.log").mkdir()
    part = text(admin.get(path(asked, "kept")))
    assert "It cannot be looked for." in part
    assert str(directory) in part
