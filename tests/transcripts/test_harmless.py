"""What strangers said does nothing to who reads it: not to a terminal, not to a page."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.wire.codec import WireFormat
from tests.transcripts.lines import attempt, chat, line, user
from tests.transcripts.shown import markdown, stored, text
from usage.transcripts.plain import one_line, shown, shown_json
from usage.transcripts.render import news_as_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "type",
                    "text",
                    "image_url",
                    "tool_calls",
                    "function",
                    "messages",
                    "choices",
                    "message",
                    "source",
                    "data",
                    "id",
                    "name",
                    "input",
                    "arguments",
                    "error",
                    "system",
                    "tools",
                    "tool_result",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=40,
)


@given(request=JSON, response=JSON, client_format=st.sampled_from([*WireFormat, "other"]))
def test_json_of_any_shape_can_be_shown(request: Any, response: Any, client_format: str) -> None:
    one = line(request=request, response=response, client_format=client_format)
    for each in (text(one), markdown(one)):
        assert_harmless(each)


def assert_harmless(words: str) -> None:
    """No control character but the ends of lines and tabs, and nothing that turns the order round."""
    for character in words:
        assert character in "\n\t" or unicodedata.category(character) != "Cc", repr(character)
        assert not "\u202a" <= character <= "\u202e"
        assert not "\u2066" <= character <= "\u2069"


EVIL = "\x1b]0;owned\x07\x1b[31mred\x9b1m\r\x08\x00\x7f\u202eevil\U000e0041\u2028"
SEEN = "\\x1b]0;owned\\x07\\x1b[31mred\\x9b1m\\x0d\\x08\\x00\\x7f\\u202eevil\\U000e0041\\u2028"


def test_what_would_drive_a_terminal_is_written_out_wherever_it_stands() -> None:
    call = {"id": EVIL, "type": "function", "function": {"name": EVIL, "arguments": EVIL}}
    one = line(
        client_key=EVIL,
        model=EVIL,
        session=EVIL,
        attempts=[attempt(model=EVIL, reason=EVIL)],
        **chat([{"role": EVIL, "content": EVIL}], {"content": EVIL, "tool_calls": [call]}),
    )
    for words in (text(one), markdown(one), "\n".join(news_as_text(stored(one)))):
        assert_harmless(words)
        assert "red" in words
    assert SEEN in text(one)


@given(st.text(st.characters(), max_size=50))
def test_json_that_is_shown_means_the_same(words: str) -> None:
    assert json.loads(shown_json(json.dumps(words, ensure_ascii=False))) == words
    assert_harmless(shown_json(json.dumps(words, ensure_ascii=False)))
    assert_harmless(shown(words))
    assert "\n" not in one_line(words)


def test_text_of_all_the_world_is_left_as_it_is() -> None:
    words = "Grüße, 世界! שלום 👩‍👩‍👧 नमस्ते\n\tx"
    assert shown(words) == words


def test_markdown_keeps_what_was_said_out_of_its_own_headings_and_tags() -> None:
    said = "## A heading\n<script>alert(1)</script>\n```html\n<b>code</b>\n## no heading\n```\na < b <i>"
    shown_lines = markdown(line(**chat([user(said)], "Fine."))).splitlines()
    assert [each for each in shown_lines if each.startswith("#")][1:] == [
        "### user",
        "### assistant",
    ]
    assert "> ## A heading" in shown_lines
    assert "> &lt;script>alert(1)&lt;/script>" in shown_lines
    assert "> <b>code</b>" in shown_lines
    assert "> a < b &lt;i>" in shown_lines


def test_markdown_fences_are_longer_than_those_inside() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "run", "arguments": "````\nrm"}}
    found = re.findall(
        r"^> (`+)(?:json)?$", markdown(line(**chat([user("x")], {"tool_calls": [call]}))), re.M
    )
    assert found == ["`````", "````", "`````"]


def test_a_fence_that_was_left_open_ends_with_what_was_said() -> None:
    shown_lines = markdown(line(**chat([user("```\n<b>")], "Fine."))).splitlines()
    at = shown_lines.index("> <b>")
    assert shown_lines[at + 1] == "> ```"
