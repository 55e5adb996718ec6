"""A transcript in a real browser: its policy stops nothing that the page needs, and nothing leaves."""

from __future__ import annotations

import base64
import json
import struct
import uuid
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.admin.browser import MARKS, Visiting
from tests.transcripts.lines import NOON, chat, line, live, messages, user

pytestmark = MARKS
LONG = "A line of a log that somebody pasted, and it goes on and on. " * 200
WORD = "a_word_without_any_end_" * 30


def picture(width: int = 160, height: int = 90) -> str:
    """A PNG with a gradient."""
    rows = b"".join(
        b"\0" + b"".join(bytes((x % 256, 2 * y % 256, 128)) for x in range(width))
        for y in range(height)
    )
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()


def talk() -> list[dict[str, Any]]:
    """An agent's session of two exchanges, with all that a transcript can have."""
    source = {"type": "base64", "media_type": "image/png", "data": picture()}
    first = [
        user(
            [
                {"type": "text", "text": "What is wrong with the invoice of <EMAIL_1>?"},
                {"type": "image", "source": source},
            ]
        )
    ]
    call = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "read_file",
        "input": {"path": "invoices/2026-07.json", "lines": [1, 40]},
    }
    answer = [
        {"type": "thinking", "thinking": "The total does not match. I should read the file first."},
        {"type": "text", "text": "I shall read it."},
        call,
    ]
    result = {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "content": json.dumps({"total": 118, "tax": 19, "to": "<EMAIL_1>", "note": WORD}),
    }
    failed = {**result, "content": "No such file: b.json", "is_error": True}
    second = [
        *first,
        {"role": "assistant", "content": answer},
        user([result, failed, {"type": "text", "text": LONG}]),
    ]
    more = {
        "system": "You are an accountant. " * 60,
        "tools": [{"name": "read_file"}, {"name": "write_file"}],
    }
    said = "The tax is counted twice:\n\n1. in `total`,\n2. in `tax`.\n\nWrite to <EMAIL_1>."
    members = {"session": "s-1", "redacted": {"EMAIL": 3}, "client_key": "ci", "model": "smart"}
    return [
        line(NOON, **members, **messages(first, answer, **more)),
        line(NOON + 60, **members, **messages(second, said, **more), partial=True),
    ]


def fill(logs: Path) -> None:
    from tests.admin.test_records import make_record

    live(logs, *TALK)
    for each in TALK:
        make_record(exchange_id=uuid.UUID(each["exchange_id"]), rule_name="gpt", session="s-1")


ELSEWHERE = line(
    NOON + 120,
    **chat(
        [
            user(
                [
                    {"type": "image_url", "image_url": {"url": "https://tracker.example/a.png"}},
                    {"type": "text", "text": "<img src=https://tracker.example/b.png>"},
                ]
            )
        ],
        '<script>document.title = "taken"</script>',
    ),
)
TALK = [*talk(), ELSEWHERE]


def path(number: int, page: str = "transcript") -> str:
    return f"/admin/patchbay_usage/usagerecord/{TALK[number]['exchange_id']}/{page}/"


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_no_page_scrolls_sideways_or_trips_over_its_policy(
    visiting: Visiting, width: int, scheme: str
):
    with visiting(width, scheme) as visitor:
        for number, page in [(0, "transcript"), (1, "transcript"), (1, "conversation")]:
            visitor.open(path(number, page))
            turns = visitor.page.locator(".pb-turn").evaluate_all(
                "(turns) => turns.map((turn) => turn.offsetWidth)"
            )
            assert len(set(turns)) == 1, "whoever speaks, however short"
            assert not visitor.scrolls_sideways(), (number, page)
            for fold in visitor.page.query_selector_all("details > summary"):
                fold.click()
            assert not visitor.scrolls_sideways(), (number, page, "unfolded")
        assert visitor.wrong == []


def test_the_record_s_page_leads_to_its_transcript_and_on_to_the_conversation(visiting: Visiting):
    with visiting(1440, "light") as visitor:
        page = visitor.page
        visitor.open(path(0, "change"))
        page.get_by_role("link", name="Transcript").last.click()
        page.wait_for_url("**/transcript/")
        assert page.locator("img.pb-thumb").evaluate("(image) => image.naturalWidth") == 160
        page.get_by_role("link", name="Whole conversation").click()
        page.wait_for_url("**/conversation/")
        assert "2 exchanges of this session" in page.inner_text("#content")
        assert visitor.wrong == []


def test_folds_open_by_keyboard_and_a_long_text_unfolds(visiting: Visiting):
    with visiting(1440, "light") as visitor:
        page = visitor.page
        visitor.open(path(1))
        fold = page.locator("summary", has_text="read_file").last
        assert not page.get_by_text('"invoices/2026-07.json"').last.is_visible()
        fold.focus()
        page.keyboard.press("Enter")
        assert page.get_by_text('"invoices/2026-07.json"').last.is_visible()
        more = page.get_by_text("more characters").last
        before = page.locator(".pb-said").all_inner_texts()
        more.click()
        after = page.locator(".pb-said").all_inner_texts()
        assert sum(map(len, after)) > sum(map(len, before)) + 5000


def test_what_strangers_said_asks_for_nothing_and_runs_nowhere(visiting: Visiting):
    with visiting(1440, "light") as visitor:
        visitor.open(path(2))
        visitor.page.wait_for_timeout(300)
        assert "taken" not in visitor.page.title()
        assert visitor.page.locator(".pb-turn img").count() == 0
        assert visitor.wrong == [], "no request left, and the policy had nothing to stop"
