"""Transcripts in the admin: what was said as text, for those who may see it, and each look noted."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client

from tests.admin.pages import Answer, text
from tests.admin.test_records import make_record
from tests.transcripts.lines import (
    NOON,
    PNG,
    chat,
    compressed,
    line,
    live,
    messages,
    metadata,
    tool_talk,
    user,
)
from usage.models import UsageRecord

MARKUP = "<img src=x onerror=alert(1)> </div><script>alert(2)</script>"
IMAGE = f"data:image/png;base64,{PNG}"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, settings: Any) -> Path:
    """LOG_DIR of this test."""
    settings.LOG_DIR = tmp_path / "logs"
    return tmp_path / "logs"


def recorded(kept: dict[str, Any], **changed: Any) -> UsageRecord:
    """The books' own row of the exchange that a line is of."""
    return make_record(exchange_id=uuid.UUID(kept["exchange_id"]), rule_name="gpt", **changed)


def path(record: UsageRecord, page: str = "transcript") -> str:
    return f"/admin/patchbay_usage/usagerecord/{record.pk}/{page}/"


def kept(directory: Path, **members: Any) -> UsageRecord:
    """A record whose transcript is the newest."""
    made = line(**members)
    live(directory, line(), made, line())
    return recorded(made)


def seen(answer: Answer) -> str:
    """The words of a page's content, each run of blanks as one."""
    assert answer.status_code == 200
    content = text(answer).partition('<div class="pb-stack">')[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", content)).split())


def looks() -> list[LogEntry]:
    return list(LogEntry.objects.filter(action=LogEntry.Action.ACCESS))


def test_what_was_said_is_shown_turn_by_turn(admin: Client, directory: Path):
    record = kept(
        directory,
        **chat(
            [{"role": "system", "content": "Be brief."}, user("What is the capital of France?")],
            "Paris.",
        ),
    )
    page = text(admin.get(path(record)))
    assert re.findall(r'data-role="(\w+)"', page) == ["system", "user", "assistant"]
    assert re.search(rf"<title>\s*Transcript of {re.escape(str(record))} · Patchbay</title>", page)
    assert str(record) in re.findall(r"<h1.*?</h1>", page, re.DOTALL)[0]
    words = seen(admin.get(path(record)))
    for said in ("System Be brief.", "User What is the capital of France?", "Assistant Paris."):
        assert said in words


def test_what_was_rotated_and_compressed_since_is_shown_as_well(admin: Client, directory: Path):
    made = line(**chat([user("Hello from yesterday")], "Hi."))
    compressed(directory, NOON + 60, line(), made)
    assert "Hello from yesterday" in seen(admin.get(path(recorded(made))))


@pytest.mark.parametrize("place", ["user", "answer", "tool", "system", "role", "name"])
def test_markup_of_strangers_is_shown_as_text(admin: Client, directory: Path, place: str):
    call = {"id": MARKUP, "type": "function", "function": {"name": MARKUP, "arguments": MARKUP}}
    said = {
        "user": chat([user(MARKUP)], "x"),
        "answer": chat([user("x")], MARKUP),
        "tool": chat([{"role": "tool", "tool_call_id": MARKUP, "content": MARKUP}], "x"),
        "system": chat([{"role": "system", "content": MARKUP}], "x"),
        "role": chat([{"role": MARKUP, "content": "x"}], "x"),
        "name": chat([user("x")], {"content": None, "tool_calls": [call]}),
    }[place]
    record = kept(directory, **said, session=MARKUP, model=MARKUP, client_key=MARKUP)
    for name in ("transcript", "conversation"):
        page = text(admin.get(path(record, name)))
        assert "&lt;img src=x" in page
        assert "<img src=x" not in page
        assert "<script>alert" not in page


def test_nothing_but_the_gateway_itself_is_asked_for_anything(admin: Client, directory: Path):
    elsewhere = "https://tracker.example/pixel.png"
    parts = [
        {"type": "image_url", "image_url": {"url": elsewhere}},
        {"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4="}},
        {"type": "image_url", "image_url": {"url": 'data:image/png;base64,AAAA" onerror="x'}},
    ]
    answer = admin.get(path(kept(directory, **chat([user(parts)], "x"))))
    assert "<img" not in text(answer)
    assert elsewhere in seen(answer), "it is named"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self' data:;" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


@pytest.mark.parametrize("speaks", ["openai.chat", "anthropic.messages"])
def test_images_of_the_body_are_shown_small(admin: Client, directory: Path, speaks: str):
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    if speaks == "openai.chat":
        said = chat([user([{"type": "image_url", "image_url": {"url": IMAGE}}])], "A cat.")
    else:
        said = messages([user([{"type": "image", "source": source}])], "A cat.")
    page = text(admin.get(path(kept(directory, **said))))
    assert page.count(f'class="pb-thumb" src="{IMAGE}"') == 1


def test_the_image_of_a_tool_s_result_is_shown_with_it(admin: Client, directory: Path):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [image]}
    page = text(admin.get(path(kept(directory, **messages([user([result])], "A cat.")))))
    assert page.count(f'src="{IMAGE}"') == 1


def test_an_image_too_large_for_a_page_is_named(admin: Client, directory: Path):
    large = "data:image/png;base64," + "A" * 2_100_000
    parts = [{"type": "image_url", "image_url": {"url": large}}]
    answer = admin.get(path(kept(directory, **chat([user(parts)], "x"))))
    assert "image 1.6 MB png" in seen(answer)
    assert "<img" not in text(answer)


def test_tools_and_thoughts_are_folded(admin: Client, directory: Path):
    answer = [
        {"type": "thinking", "thinking": "Hm, let me see."},
        {"type": "tool_use", "id": "t1", "name": "read_file", "input": {"path": "a.txt"}},
    ]
    failed = {
        "type": "tool_result",
        "tool_use_id": "t0",
        "content": "No such file",
        "is_error": True,
    }
    tools = [{"name": "read_file"}, {"name": "write_file"}]
    record = kept(directory, **messages([user([failed])], answer, tools=tools))
    page = text(admin.get(path(record)))
    folds = re.findall(r'<details class="pb-fold(?: pb-fill)?"( open)?>', page)
    assert folds == ["", " open", "", ""], "what failed is open"
    words = seen(admin.get(path(record)))
    assert re.findall(r'data-role="(\w+)"', page) == ["tool", "assistant"]
    assert "Call of read_file" in words
    assert '"path": "a.txt"' in words
    assert "Thinking Hm, let me see." in words
    assert "2 tools on offer read_file write_file" in words


def test_a_long_text_is_cut_and_unfolds(admin: Client, directory: Path):
    page = text(admin.get(path(kept(directory, **chat([user("word " * 2000)], "x")))))
    assert "… 8,000 more characters" in page
    assert page.count("word ") == 2000


def test_of_texts_beyond_what_a_page_holds_the_rest_is_in_the_json(admin: Client, directory: Path):
    record = kept(directory, **chat([user("a" * 1_000_000)], "x"))
    page = text(admin.get(path(record)))
    assert "and 798,000 more characters, which are in the raw JSON only" in page
    assert len(page) < 500_000
    assert "a" * 1_000_000 in text(admin.get(path(record, "raw")))


def test_what_was_hidden_is_a_mark_and_what_only_looks_like_it_is_text(
    admin: Client, directory: Path
):
    said = "Mail <EMAIL_1> with [hidden], see <STEP_2>."
    record = kept(directory, **chat([user(said)], "x"), redacted={"EMAIL": 1, "SECRET": 1})
    page = text(admin.get(path(record)))
    pills = re.findall(r'<span class="pb-pill" title="([^"]+)">([^<]+)</span>', page)
    assert [(html.unescape(title), words) for title, words in pills] == [
        ("<EMAIL_1>", "e-mail 1"),
        ("[hidden]", "secret"),
    ]
    assert "see &lt;STEP_2&gt;." in page
    assert "1 × e-mail" in seen(admin.get(path(record)))


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"partial": True}, "The answer is partial"),
        ({"truncated": {"request": 4210}}, "Of the request, 4,210 bytes were left out"),
        ({"truncated": {"response": 7}}, "Of the answer, 7 bytes were left out"),
        ({"upstream_request": {"model": "x"}}, "The provider was sent another request"),
        ({"response": None}, "There was no answer."),
        (
            {"unredactable": True, "request": None, "response": None},
            "What was said was not kept: personal data and secrets could not be taken out of it.",
        ),
        ({"request": {"text": '{"messa'}, "truncated": {"request": 9}}, '{"messa'),
        ({"response": {"error": {"type": "server", "message": "Out of luck"}}}, "Out of luck"),
        ({"client_format": "of.tomorrow"}, "capital of France"),
    ],
)
def test_how_whole_it_is_is_said(
    admin: Client, directory: Path, members: dict[str, Any], sentence: str
):
    assert sentence in seen(admin.get(path(kept(directory, **members))))


def test_of_metadata_alone_the_page_says_so(admin: Client, directory: Path):
    made = metadata()
    live(directory, made)
    record = recorded(made)
    assert "Only metadata was kept" in seen(admin.get(path(record)))
    assert "Only metadata was kept." in text(admin.get(path(record, "kept")))


def test_characters_that_turn_what_is_read_around_are_written_out(admin: Client, directory: Path):
    page = text(admin.get(path(kept(directory, **chat([user("a\u202eb\x1b[31m")], "x")))))
    assert "a\\u202eb\\x1b[31m" in page


def test_the_raw_json_is_text_that_no_browser_takes_for_anything_else(
    admin: Client, directory: Path
):
    answer = admin.get(path(kept(directory, **chat([user(MARKUP)], "x")), "raw"))
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert f'"content": "{MARKUP}"' in text(answer)
    assert "no-store" in answer["Cache-Control"]


def test_the_conversation_has_each_message_once(admin: Client, directory: Path):
    talk = tool_talk()
    live(directory, *talk, line())
    records = [recorded(each) for each in talk]
    assert path(records[1], "conversation") in text(admin.get(path(records[1])))
    page = seen(admin.get(path(records[1], "conversation")))
    assert "3 exchanges of this conversation" in page
    for once in ("You are careful.", "What is in a.txt?", "The number 42.", "You are welcome."):
        assert page.count(once) == 1


def test_a_session_is_joined_by_its_name(admin: Client, directory: Path):
    said = [line(NOON + at, session="s-1", **chat([user(f"Part {at}")], "x")) for at in range(3)]
    live(directory, *said, line(session="s-2", **chat([user("Another's")], "x")))
    page = seen(admin.get(path(recorded(said[0]), "conversation")))
    assert "3 exchanges of this session" in page
    assert "Another's" not in page


def test_each_look_is_in_the_audit_log_with_who_and_at_what(admin: Client, directory: Path):
    talk = tool_talk()
    live(directory, *talk)
    record = recorded(talk[0])
    for page in ("transcript", "raw", "conversation"):
        admin.get(path(record, page))
    entries = looks()[::-1]
    assert [(entry.additional_data or {})["seen"] for entry in entries] == [
        "Transcript",
        "Raw JSON",
        "Conversation",
    ]
    assert {entry.actor.get_username() for entry in entries if entry.actor} == {"olga"}
    assert {entry.object_repr for entry in entries} == {str(record.pk)}
    listed = text(admin.get("/admin/auditlog/logentry/"))
    assert f"Transcript of {record.pk}" in listed
    assert "olga" in listed
    shown = text(admin.get(f"/admin/auditlog/logentry/{entries[2].pk}/change/"))
    for each in talk:
        assert each["exchange_id"] in shown


def test_a_page_that_showed_nothing_is_no_look(admin: Client, directory: Path):
    record = kept(directory)
    admin.get(path(record, "kept"))
    admin.get(path(recorded(line())))
    assert looks() == []


@pytest.mark.parametrize("page", ["transcript", "conversation", "raw", "kept"])
def test_who_may_see_records_sees_no_transcript_without_the_right(
    staff: Callable[..., Client], directory: Path, page: str
):
    record = kept(directory, **chat([user("Between us")], "x"))
    reader = staff("view_usagerecord")
    answer = reader.get(path(record, page))
    assert answer.status_code == 403
    assert "Between us" not in text(answer)
    whole_page = text(reader.get(path(record, "change")))
    assert path(record) not in whole_page
    assert "Transcript" not in whole_page
    assert looks() == []


def test_who_has_the_right_sees_it(staff: Callable[..., Client], directory: Path):
    record = kept(directory, **chat([user("Between us")], "x"))
    reader = staff("view_usagerecord", "view_transcript")
    assert path(record, "kept") in text(reader.get(path(record, "change")))
    assert path(record) in text(reader.get(path(record, "kept")))
    assert "Between us" in seen(reader.get(path(record)))


def test_the_right_to_transcripts_alone_shows_none(staff: Callable[..., Client], directory: Path):
    assert staff("view_transcript").get(path(kept(directory))).status_code == 403


def test_a_stranger_is_sent_to_the_login(client: Client, db: None, directory: Path):
    answer = client.get(path(kept(directory)))
    assert answer.status_code == 302
    assert "/admin/login/" in answer["location"]


def test_nothing_is_sent_to_a_transcript(admin: Client, directory: Path):
    assert admin.post(path(kept(directory))).status_code == 405


def test_an_exchange_without_a_record_has_no_page(admin: Client, directory: Path):
    made = line()
    live(directory, made)
    unknown = f"/admin/patchbay_usage/usagerecord/{made['exchange_id']}/transcript/"
    assert admin.get(unknown).status_code == 404
