"""Search what was said, in the admin: for those who may see it, each search noted."""

from __future__ import annotations

import html
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test import Client

from proxyproject.logs import known_secrets
from tests.admin.pages import text
from tests.admin.test_records import make_record
from tests.transcripts.lines import NOON, chat, encoded, line, live, tool_talk, user
from usage.transcripts.database import COLUMNS, PLACE, TABLE, row_of
from usage.transcripts.database_writer import words_of_line
from usage.transcripts.spoken import Heard
from usage.transcripts.stored import read_line

PAGE = "/admin/patchbay_usage/transcript/"


@pytest.fixture(autouse=True)
def _sinks(tmp_path: Path, settings: Any) -> None:
    settings.TRANSCRIPT_SINKS = ("file", "database")
    settings.LOG_DIR = tmp_path / "logs"


def keep(*lines: dict[str, Any]) -> None:
    """As the sink would, within the test's own transaction."""
    heard = Heard()
    parsed = [read_line(encoded(each).strip(), PLACE) for each in lines]
    rows = [row_of(each, words_of_line(each, heard)) for each in parsed]
    marks = ", ".join(["%s"] * len(COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({marks})",  # noqa: S608 — our names
            rows,
        )


def searched(client: Client, **asked: Any) -> str:
    """The words of the page, each run of blanks as one."""
    found = text(client.get(PAGE, asked))
    body = re.sub(r"<(script|style)\b.*?</\1>", "", found, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", body)).split())


def looks() -> list[LogEntry]:
    return list(LogEntry.objects.filter(action=LogEntry.Action.ACCESS).order_by("pk"))


def test_what_was_said_is_found_with_its_words_marked_and_leads_to_the_transcript(admin: Client):
    talk = tool_talk()
    keep(line(), *talk)
    answer = text(admin.get(PAGE, {"q": '"forty-two"'}))
    assert "<mark>forty-two</mark>" in answer
    assert answer.count("<mark>") == 1
    address = f"/admin/patchbay_usage/usagerecord/{talk[1]['exchange_id']}/transcript/"
    assert f'href="{address}"' in answer
    make_record(exchange_id=uuid.UUID(talk[1]["exchange_id"]))
    assert "forty-two" in text(admin.get(address)), "read from the database"


def test_a_conversation_is_put_together_from_the_database_and_the_files(
    admin: Client, settings: Any
):
    talk = tool_talk()
    keep(talk[0], talk[1])
    live(settings.LOG_DIR, talk[1], talk[2])
    make_record(exchange_id=uuid.UUID(talk[1]["exchange_id"]))
    page = text(
        admin.get(f"/admin/patchbay_usage/usagerecord/{talk[1]['exchange_id']}/conversation/")
    )
    turns = re.findall(r'data-role="(\w+)"', page)
    assert turns == ["system", "user", "assistant", "tool", "assistant", "user", "assistant"]


def test_filters_and_periods_choose(admin: Client):
    keep(line(NOON), line(time.time() - 7200, client_key="bob", status=502))
    assert searched(admin, q="paris", key="bob").count("Paris.") == 1
    assert searched(admin, status="5xx").count("502") == 1
    assert searched(admin, q="paris", range="24h").count("Paris.") == 1
    assert "Nothing was found" in searched(admin, q="paris", range="1h")
    assert searched(admin, q="paris", range="never", before="x").count("Paris.") == 2


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("status", "zz", "'zz' is no status. Write a number such as 502, or a class such as 5xx."),
        ("status", "6xx", "'6xx' is no status."),
        ("status", "50", "'50' is no status."),
        ("model", "gpt-*", "'gpt-*' is a pattern. Write the whole name of one model."),
    ],
)
def test_a_filter_that_nothing_can_pass_is_refused_beside_its_field(
    admin: Client, field: str, value: str, sentence: str
):
    keep(line())
    page = text(admin.get(PAGE, {"q": "paris", field: value}))
    assert re.search(rf'name="{field}" value="{re.escape(value)}" aria-invalid="true"', page)
    assert sentence in html.unescape(page)
    assert "Nothing was found" not in page
    assert "<mark>" not in page
    assert looks() == [], "nothing was looked for"


@pytest.mark.parametrize("status", ["200", "2xx", "2XX"])
def test_a_status_and_its_class_are_filters(admin: Client, status: str):
    keep(line())
    assert searched(admin, status=status).count("Paris.") == 1


def test_a_hit_of_today_has_its_date(admin: Client):
    keep(line(time.time()))
    shown = re.search(
        r"/transcript/\"><time [^>]*>([^<]*)</time>", text(admin.get(PAGE, {"q": "paris"}))
    )
    assert shown is not None
    assert re.fullmatch(r"\d{1,2} [A-Z][a-z]{2} \d\d:\d\d", shown[1])


def test_the_page_is_called_the_same_everywhere(admin: Client):
    page = text(admin.get(PAGE))
    links = re.findall(rf'<a href="{PAGE}".*?</a>', page, flags=re.DOTALL)
    assert len(links) == 2, "in the sidebar and in the header"
    assert all("Transcripts</" in link for link in links)
    assert re.search(r"<title>\s*Transcripts · Patchbay</title>", page)


def test_older_ones_are_on_the_next_page(admin: Client):
    keep(*(line(**chat([user(f"question number {number}")], "Yes.")) for number in range(30)))
    first = text(admin.get(PAGE, {"q": "question"}))
    assert first.count("<mark>") == 25
    [older] = re.findall(r'href="(\?[^"]*before=[^"]*)"[^>]*>Older', first)
    second = text(admin.get(PAGE + html.unescape(older)))
    assert second.count("<mark>") == 5
    assert ">Older<" not in second


def test_nothing_is_looked_for_before_somebody_asks(admin: Client):
    keep(line())
    assert "Paris" not in searched(admin)
    assert looks() == []


def test_each_search_is_in_the_audit_log_with_what_was_asked_and_what_was_seen(admin: Client):
    kept = line()
    keep(kept)
    searched(admin, q='"capital of"', key="alice")
    searched(admin, q="nowhere")
    first, second = looks()
    assert str(first.actor) == "olga"
    assert first.object_repr == '"capital of" key=alice'
    assert first.additional_data == {"seen": "Search", "exchanges": [kept["exchange_id"]]}
    assert second.additional_data == {"seen": "Search", "exchanges": []}
    assert 'Search of "capital of" key=alice' in html.unescape(
        text(admin.get("/admin/auditlog/logentry/"))
    )
    entry = text(admin.get(f"/admin/auditlog/logentry/{first.pk}/change/"))
    assert kept["exchange_id"] in entry


def test_a_secret_that_was_looked_for_is_not_in_the_audit_log(admin: Client):
    """Nor what its cut would leave of one: what is known by value, and what looks like one."""
    keep(line())
    known_secrets.known(["correct-horse-battery"])
    searched(admin, q="who said correct-horse-battery", session="sk-ant-0123456789abcdefghij")
    searched(admin, q="x" * 190 + " correct-horse-battery")
    first, second = looks()
    assert first.object_repr == "who said [hidden] session=[hidden]"
    assert second.object_repr == "x" * 190 + " [hidden]"


def test_it_takes_the_permission_of_transcripts(staff: Callable[..., Client]):
    keep(line())
    reader = staff("view_usagerecord", "view_transcript")
    assert "Paris" in searched(reader, q="paris")
    assert text(reader.get(PAGE)).count(f'href="{PAGE}"') >= 1, "it is in the sidebar"
    assert Client().get(PAGE).status_code == 302


def test_who_sees_records_alone_searches_nothing(staff: Callable[..., Client]):
    keep(line())
    clerk = staff("view_usagerecord")
    assert clerk.get(PAGE, {"q": "paris"}).status_code == 403
    assert f'href="{PAGE}"' not in text(clerk.get("/admin/"))
    assert looks() == []


@pytest.mark.parametrize("page", ["add/", "1/change/", "1/delete/", "1/history/"])
def test_there_are_no_other_pages(admin: Client, page: str):
    keep(line())
    assert admin.get(PAGE + page).status_code == 404


def test_what_was_said_is_text_and_never_markup(admin: Client):
    keep(line(**chat([user("needle <script>alert(1)</script> <b>x</b>")], "Yes."), model="<i>m"))
    answer = admin.get(PAGE, {"q": '"><script>alert(2)</script> needle', "key": '"><b>'})
    page = text(admin.get(PAGE, {"q": "needle"}))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<i>m" not in page
    assert "<script>alert(2)" not in text(answer)
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_where_the_database_is_no_sink_it_says_how_to_turn_it_on(admin: Client, settings: Any):
    settings.TRANSCRIPT_SINKS = ("file",)
    page = searched(admin)
    assert "TRANSCRIPT_SINKS=file,database (now file)" in page
    assert "manage.py conversations list --text" in page
    assert 'role="search"' not in text(admin.get(PAGE))
    keep(line())
    assert "Paris" in searched(admin, q="paris"), "what is there from before is found"
    settings.TRANSCRIPT_SINKS = ()
    page = searched(admin)
    assert "(now none)" in page
    assert "conversations list" not in page


def test_what_lies_in_files_alone_is_said_not_to_be_found_here(admin: Client, settings: Any):
    """Before there is a transcript in the database, and where a search finds none."""
    said = (
        "What lies in files alone is looked through on the machine itself: manage.py conversations"
    )
    assert said in searched(admin)
    keep(line())
    settings.TRANSCRIPT_SINKS = ("database",)
    assert said in searched(admin, q="nowhere")
    assert said not in searched(admin, q="paris")


def test_where_nothing_is_kept_yet_it_says_who_decides(admin: Client):
    assert "Nothing is kept yet." in searched(admin)


@pytest.mark.parametrize(
    "asked", [{"before": "9" * 40}, {"before": "-1"}, {"q": "\0"}, {"q": '"' * 99}]
)
def test_no_address_breaks_the_page(admin: Client, asked: dict[str, str]):
    keep(line())
    assert admin.get(PAGE, {"q": "paris", **asked}).status_code == 200
