"""Sealed transcripts in the admin: opened where the key is there, a sentence where it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.admin.pages import text
from tests.admin.test_transcript_page import path, recorded, seen
from tests.admin.test_transcript_search import keep, searched
from tests.transcripts.lines import NOON, line, live, sealed
from tests.transcripts.test_sealed import DAMAGED, MISSING, NEW, OLD, changed
from usage.models import UsageRecord


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, settings: Any) -> Path:
    """LOG_DIR of this test."""
    settings.LOG_DIR = tmp_path / "logs"
    settings.TRANSCRIPT_SINKS = ("file", "database")
    settings.ENCRYPTION_KEYS = OLD
    return tmp_path / "logs"


@pytest.fixture
def asked(directory: Path, db: None) -> UsageRecord:
    """A record whose transcript is sealed, in a session with one that is not."""
    one = sealed(line(NOON, session="s-1"))
    live(directory, one, line(NOON + 60, session="s-1"))
    return recorded(one)


def test_what_is_sealed_is_shown_as_it_was_said(admin: Client, asked: UsageRecord):
    assert "Kept, encrypted." in text(admin.get(path(asked, "kept")))
    page = seen(admin.get(path(asked)))
    assert "What is the capital of France?" in page
    assert "Paris." in page
    raw = json.loads(text(admin.get(path(asked, "raw"))))
    assert raw["request"]["messages"][0]["content"] == "What is the capital of France?"
    assert "sealed" not in raw


def test_without_its_key_each_page_says_which_one_is_missing(
    admin: Client, asked: UsageRecord, settings: Any
):
    settings.ENCRYPTION_KEYS = NEW
    assert MISSING in text(admin.get(path(asked, "kept")))
    page = seen(admin.get(path(asked)))
    assert MISSING in page
    assert "There was no answer." not in page
    assert "alice" in page, "what the books know as well is there"
    assert json.loads(text(admin.get(path(asked, "raw"))))["closed"] == MISSING
    talk = seen(admin.get(path(asked, "conversation")))
    assert MISSING in talk
    assert "Paris." in talk, "the other one was not sealed"


def test_what_was_changed_is_called_damaged(admin: Client, directory: Path):
    one = changed(sealed(line()), "a letter")
    live(directory, one)
    assert DAMAGED in seen(admin.get(path(recorded(one))))


def test_the_search_says_that_words_are_not_searched_and_why(admin: Client, settings: Any):
    settings.TRANSCRIPT_ENCRYPTION = True
    keep(line(NOON), sealed(line(NOON + 60, client_key="bob")))
    page = searched(admin)
    assert "Words are not searched: what is said is encrypted" in page
    assert "TRANSCRIPT_ENCRYPTION=yes" in page
    assert "only what was kept before encryption was on is found by its words" in page
    assert 'manage.py conversations list --text "what was said"' in page
    assert searched(admin, q="paris").count("alice") == 1, "the one from before"
    assert "bob" not in searched(admin, q="paris")
    settings.TRANSCRIPT_SINKS = ("database",)
    assert "conversations list" not in searched(admin)


def test_filters_find_what_is_sealed_and_show_it(admin: Client, settings: Any):
    keep(line(NOON), sealed(line(NOON + 60, client_key="bob")))
    assert "Paris." in searched(admin, key="bob")
    settings.ENCRYPTION_KEYS = NEW
    page = searched(admin, key="bob")
    assert MISSING in page
    assert "No texts were kept" not in page


def test_after_it_was_turned_off_the_search_says_that_some_are_not_found_by_words(admin: Client):
    keep(line(NOON))
    words = "Some of these transcripts are encrypted"
    assert words not in searched(admin)
    keep(sealed(line(NOON + 60)))
    assert words in searched(admin)
