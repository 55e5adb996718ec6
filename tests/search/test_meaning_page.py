"""Search by meaning in the admin: offered where it is set, noted, and never a traceback."""

from __future__ import annotations

import html
import re
import sys
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from providers.models import Provider
from tests.admin.pages import text
from tests.search.embedder import Meaning, locked_while_asked
from tests.transcripts.lines import NOON, chat, line, user
from usage.models import UsageRecord

PAGE = "/admin/patchbay_usage/transcript/"
SAILING = chat([user("Which knot ties a boat to its <b>mooring</b>?")], "A bowline holds it.")

pytestmark = pytest.mark.parametrize("archive", ["sqlite"], indirect=True)


@pytest.fixture
def admin(meaning: Meaning) -> Client:
    client = Client()
    client.force_login(User.objects.create(username="olga", is_staff=True, is_superuser=True))
    return client


def words(page: str) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", body)).split())


def searched(client: Client, **asked: Any) -> str:
    return text(client.post(PAGE, {"by": "meaning", **asked}))


def test_what_is_near_is_found_and_leads_to_its_transcript(admin: Client, meaning: Meaning):
    kept = line(NOON, **SAILING)
    meaning.keep(kept)
    page = searched(admin, q="a knot for the boat")
    assert f"/admin/patchbay_usage/usagerecord/{kept['exchange_id']}/transcript/" in page
    assert "ties a boat to its &lt;b&gt;mooring" in page
    assert ">Older<" not in page
    assert "What you type is sent to acme/words-1" in words(page)
    assert "wait to be embedded" not in page


@pytest.mark.parametrize("by", ["words", "meaning"])
def test_what_was_said_cannot_turn_the_page_around(admin: Client, meaning: Meaning, by: str):
    meaning.keep(line(NOON, **chat([user("The boat \u202e is \x1b[31m red")], "Aye.")))
    page = text(admin.post(PAGE, {"by": by, "q": "boat"}))
    assert not {"\u202e", "\x1b"} & set(page)
    assert "\\u202e is \\x1b[31m red" in page


def test_the_question_is_paid_for_like_any_call(admin: Client, meaning: Meaning):
    searched(admin, q="boat")
    assert meaning.server.texts == ["boat"]
    record = UsageRecord.objects.get()
    assert (record.kind, record.cost_nano) == ("embedding", 14_000)
    shown = text(admin.get(f"/admin/patchbay_usage/usagerecord/{record.pk}/change/"))
    assert "(search by meaning)" in shown
    for path in ("/admin/", "/admin/patchbay_usage/usagerecord/"):
        assert admin.get(path).status_code == 200


def test_a_secret_in_a_question_is_not_sent(admin: Client, meaning: Meaning):
    searched(admin, q="who said pbk_0123456789abcdefghij0123456789")
    assert meaning.server.texts == ["who said [hidden]"]


def test_a_link_asks_nothing(admin: Client, meaning: Meaning):
    """Only the form's button sends a question; a link keeps it in the form."""
    meaning.keep(line(NOON, **SAILING))
    assert 'href="?by=meaning&amp;q=boat&amp;range=24h"' in searched(admin, q="boat")
    calls = len(meaning.server.asked)
    page = text(admin.get(PAGE, {"by": "meaning", "ask": "1", "q": "boat", "range": "24h"}))
    assert 'value="boat"' in page
    assert "Nothing was sent yet. Press Search to send this to acme/words-1" in words(page)
    assert len(meaning.server.asked) == calls
    assert "Nothing was sent yet" not in searched(admin, q="boat")
    assert "Nothing was sent yet" not in text(admin.get(PAGE, {"by": "meaning"}))


def test_no_other_site_can_have_a_question_asked(admin: Client, meaning: Meaning):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = admin.cookies
    asked = {"by": "meaning", "q": "boat"}
    assert browser.post(PAGE, asked).status_code == 403
    assert meaning.server.asked == []
    meaning.keep(line(NOON, **SAILING))
    page = text(browser.get(PAGE, {"by": "meaning"}))
    [form] = re.findall(r'<form method="post" action="\?by=meaning".*?</form>', page, re.DOTALL)
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    page = text(browser.post(PAGE, {**asked, "csrfmiddlewaretoken": token}))
    assert "ties a boat to its" in page
    assert token not in html.unescape("".join(re.findall(r'href="[^"]*"', page)))


def test_of_a_long_passage_the_beginning_is_shown(admin: Client, meaning: Meaning):
    said = "Mind the boat. " + "The tide turns, and nobody is there to see it. " * 30
    meaning.keep(line(NOON, **chat([user("Tell me.")], said + "The very last words.")))
    page = words(searched(admin, q="boat tide"))
    assert "Mind the boat. The tide turns" in page
    assert page.count("nobody is there") < 6
    assert "…" in page
    assert "The very last words." not in page


def test_each_search_is_in_the_audit_log(admin: Client, meaning: Meaning):
    kept = line(NOON, **SAILING)
    meaning.keep(kept)
    searched(admin, q="a knot", key="alice")
    meaning.server.broken = True
    searched(admin, q="another knot")
    first, second = LogEntry.objects.filter(action=LogEntry.Action.ACCESS).order_by("pk")
    assert (str(first.actor), first.object_repr) == ("olga", "a knot key=alice")
    assert first.additional_data == {
        "seen": "Search by meaning",
        "exchanges": [kept["exchange_id"]],
    }
    assert second.additional_data == {"seen": "Search by meaning", "exchanges": []}


def test_how_many_wait_is_said(admin: Client, meaning: Meaning):
    meaning.archive.keep(line(NOON, **SAILING), line(NOON, **SAILING))
    page = words(searched(admin))
    assert "2 transcripts wait to be embedded, and cannot be found yet." in page
    assert meaning.server.asked == [], "nothing is asked before somebody asks"


def test_what_goes_wrong_is_a_sentence(
    admin: Client, meaning: Meaning, monkeypatch: pytest.MonkeyPatch
):
    meaning.keep(line(NOON, **SAILING))
    meaning.server.broken = True
    assert (
        "Nothing was searched by meaning. acme/words-1 (EMBEDDING_MODEL): The vendor answered 400"
        in (words(searched(admin, q="boat")))
    )
    assert "Type what you look for" in words(searched(admin, key="alice"))
    Provider.objects.update(enabled=False)
    assert "acme/words-1 (EMBEDDING_MODEL): The provider acme is off." in words(
        searched(admin, q="boat")
    )
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert "pip install -r requirements-meaning.in" in words(searched(admin, q="boat"))


def test_a_question_that_the_books_do_not_take_is_a_sentence(
    admin: Client, meaning: Meaning, caplog: pytest.LogCaptureFixture
):
    meaning.keep(line(NOON, **SAILING))
    with locked_while_asked(meaning.server):
        page = words(searched(admin, q="boat"))
    assert "The database takes no record of it now. Try again." in page
    assert "a call to the embedding model is not in the books" in caplog.text


def test_the_choice_is_there_where_a_model_is_set(admin: Client, meaning: Meaning, settings: Any):
    meaning.archive.keep(line(NOON, **SAILING))
    page = text(admin.get(PAGE, {"q": "bowline"}))
    assert 'href="?by=meaning"' in page, "what was typed for words is not sent by a click"
    settings.EMBEDDING_MODEL = ""
    assert "by=meaning" not in text(admin.get(PAGE, {"q": "bowline"}))
    page = searched(admin, q="bowline")
    assert "<mark>bowline</mark>" in page, "words are searched"
    assert meaning.server.asked == []


def test_where_what_is_said_is_encrypted_nothing_is_asked(
    admin: Client, meaning: Meaning, settings: Any
):
    meaning.keep(line(NOON, **SAILING))
    calls = len(meaning.server.asked)
    settings.TRANSCRIPT_ENCRYPTION = True
    for page in (searched(admin), searched(admin, q="bowline")):
        assert "Neither words nor meaning are searched: what is said is encrypted" in words(page)
        assert "is sent to" not in words(page), "which would contradict it"
        assert 'placeholder="Words that were said' in page
    assert "<mark>bowline</mark>" in page, "kept before, so its words are in the index"
    assert len(meaning.server.asked) == calls


def test_it_takes_the_permission_of_transcripts(admin: Client, meaning: Meaning):
    clerk = Client()
    clerk.force_login(User.objects.create(username="sam", is_staff=True))
    assert clerk.post(PAGE, {"by": "meaning", "q": "boat"}).status_code == 403
    assert meaning.server.asked == []


@pytest.mark.parametrize("asked", ["\0", "x" * 9000, "é" * 3000, '"'])
def test_no_question_breaks_the_page(admin: Client, meaning: Meaning, asked: str):
    meaning.keep(line(NOON, **SAILING))
    assert admin.post(PAGE, {"by": "meaning", "q": asked}).status_code == 200
