"""What people are shown of a transcript, in every format that clients speak, and that it is harmless."""

from __future__ import annotations

from typing import Any

import pytest

from providers.wire.codec import WireFormat
from tests.transcripts.lines import PNG, attempt, chat, line, messages, metadata, user
from tests.transcripts.shown import stored, text
from usage.transcripts.render import news_as_text
from usage.transcripts.said import READERS


def talk(one: dict[str, Any]) -> str:
    """What stands below the facts."""
    return text(one).partition("\n\n")[2]


def test_every_format_that_clients_speak_has_a_reader():
    assert set(READERS) == set(WireFormat)


IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
CHAT = line(
    **chat(
        [
            {"role": "developer", "content": "Be brief."},
            user([{"type": "text", "text": "What is this?"}, IMAGE]),
            user([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]),
            user([{"type": "input_audio", "input_audio": {"data": "AAAA" * 500, "format": "wav"}}]),
            user(
                [
                    {
                        "type": "file",
                        "file": {
                            "filename": "a.pdf",
                            "file_data": f"data:application/pdf;base64,{PNG}",
                        },
                    }
                ]
            ),
            user([{"type": "brand_new", "cache_control": {}, "x": 1}]),
            {
                "role": "tool",
                "tool_call_id": "call_0",
                "content": [{"type": "text", "text": "found"}],
            },
        ],
        {
            "content": "A cat.",
            "reasoning_content": "It purrs.",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "zoom", "arguments": '{"by":2}'},
                },
                {
                    "id": "call_2",
                    "type": "function",
                    "function": {"name": "zoom", "arguments": '{"by":'},
                },
            ],
        },
    )
)
CHAT_TALK = """\
── system
Be brief.

── user
What is this?
[image 12 KB png]

── user
[image https://example.com/a.png]

── user
[audio 2 KB wav]

── user
[document 12 KB pdf a.pdf]

── user
(brand_new)
    {
      "x": 1
    }

── tool
← result  call_0
    found

── assistant
(thinking)
    It purrs.
A cat.
→ zoom  call_1
    {
      "by": 2
    }
→ zoom  call_2
    {"by":"""

SOURCE = {"type": "base64", "media_type": "image/png", "data": PNG}
MESSAGES = line(
    **messages(
        [
            user([{"type": "image", "source": SOURCE}, {"type": "text", "text": "What is this?"}]),
            user(
                [
                    {
                        "type": "document",
                        "title": "Notes",
                        "source": {"type": "url", "url": "https://example.com/n"},
                    }
                ]
            ),
            {
                "role": "assistant",
                "content": [
                    {"type": "redacted_thinking", "data": "abc"},
                    {
                        "type": "tool_use",
                        "id": "tu_1",
                        "name": "Bash",
                        "input": {"command": "ls\nls"},
                    },
                ],
            },
            user(
                [
                    {
                        "type": "tool_result",
                        "tool_use_id": "tu_1",
                        "is_error": True,
                        "content": "no such file",
                    }
                ]
            ),
            user(
                [
                    {
                        "type": "tool_result",
                        "tool_use_id": "tu_2",
                        "content": [{"type": "image", "source": SOURCE}],
                    }
                ]
            ),
        ],
        [
            {"type": "thinking", "thinking": "It purrs.", "signature": "s"},
            {"type": "text", "text": "A cat."},
            {
                "type": "server_tool_use",
                "id": "st_1",
                "name": "web_search",
                "input": {"query": "cats"},
            },
            {
                "type": "web_search_tool_result",
                "tool_use_id": "st_1",
                "content": [{"type": "web_search_result", "url": "https://example.com"}],
            },
        ],
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    )
)
MESSAGES_TALK = """\
── system
Be brief.

── user
[image 12 KB png]
What is this?

── user
[document https://example.com/n Notes]

── assistant
(thinking)
    (only its provider can read it)
→ Bash  tu_1
    {
      "command": "ls\\nls"
    }

── user
← error  tu_1
    no such file

── user
← result  tu_2
    [image 12 KB png]

── assistant
(thinking)
    It purrs.
A cat.
→ web_search  st_1
    {
      "query": "cats"
    }
← result  web_search_tool_result  st_1
    {"url":"https://example.com"}"""


@pytest.mark.parametrize(
    ("one", "expected"), [(CHAT, CHAT_TALK), (MESSAGES, MESSAGES_TALK)], ids=["chat", "messages"]
)
def test_all_that_a_format_can_say_reads_well(one: dict[str, Any], expected: str) -> None:
    assert talk(one) == expected


def test_the_facts_stand_above() -> None:
    one = line(
        exchange_id="019f1d8c-e200-7000-8000-000000000001",
        model="fast",
        team="research",
        session="s1",
        client_request_id="mine",
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        outcome="failed",
        reason="upstream_truncated",
        redacted={"EMAIL": 2, "CARD": 1},
        cost_nano=None,
        tokens={"input": 1234, "output": 7, "cached_input": 1000, "reasoning": 0},
        attempts=[
            attempt(status=529, reason="upstream_overloaded", ms=30.0),
            attempt(status=200, reason="upstream_truncated"),
        ],
        **chat([user("Hi")], "Hel", tools=[{"type": "function", "function": {"name": "zoom"}}]),
        partial=True,
        truncated={"request": 0, "upstream_request": 0, "response": 4321},
        upstream_request={"model": "gpt-5"},
    )
    assert text(one).partition("\n\n")[0].splitlines() == [
        "Exchange     019f1d8c-e200-7000-8000-000000000001",
        "Began        2026-07-01 12:00:00 UTC",
        "Key          alice, team research",
        "Model        fast, asked as gpt-5, answered by gpt-5-2026",
        "Provider     openai, rule gpt",
        "Format       openai.chat, streamed",
        "End          failed (upstream_truncated), status 200",
        "Stopped      stop",
        "Time         457 ms, first content after 12 ms",
        "Tokens       1,234 in, 7 out, 1,000 cached input",
        "Cost         no price",
        "Session      s1",
        "Client's id  mine",
        "Trace        4bf92f3577b34da6a3ce929d0e0e4736",
        "Tools        zoom",
        "Attempt 1    openai/gpt-5, upstream_overloaded, status 529, 30 ms",
        "Attempt 2    openai/gpt-5, upstream_truncated, status 200, 450 ms",
        "Hidden       1 CARD, 2 EMAIL",
        "! The answer is partial: it ended before it was whole.",
        "! Of the response, 4,321 bytes were left out.",
        "! The provider was sent another request; `--json` shows it.",
    ]


def test_metadata_alone_is_said_to_be_all() -> None:
    assert text(metadata()).endswith("! Only metadata was kept: nothing of what was said.")


def test_a_body_that_could_not_be_redacted_is_said_to_be_missing() -> None:
    one = metadata(unredactable=True)
    assert "! What was said was not kept" in text({**one, "level": "full"})


def test_a_request_that_was_cut_shows_its_beginning() -> None:
    one = line(request={"text": '{"model":"gpt'}, truncated={"request": 5000}, response=None)
    assert "! Of the request, 5,000 bytes were left out." in text(one)
    assert talk(one) == '── request\n{"model":"gpt'


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "Slow down.", "type": "rate_limit_error"}},
        {"type": "error", "error": {"message": "Slow down.", "type": "rate_limit_error"}},
    ],
)
def test_an_error_is_shown_as_one(error: dict[str, Any]) -> None:
    assert talk(line(response=error)).endswith("── error\nSlow down.")


def test_a_format_that_nobody_knows_yet_is_shown_as_json() -> None:
    one = line(client_format="cohere.chat", request={"query": "Hi"}, response={"reply": "Ho"})
    assert talk(one) == '── request\n{"query":"Hi"}\n\n── response\n{"reply":"Ho"}'


def test_who_follows_sees_what_is_new() -> None:
    one = line(**chat([user("One?"), {"role": "assistant", "content": "1"}, user("Two?")], "2"))
    shown_lines = list(news_as_text(stored(one)))
    assert f"  2 earlier messages: show {one['exchange_id']}" in shown_lines
    assert shown_lines[-7:] == ["", "── user", "Two?", "", "── assistant", "2", ""]


@pytest.mark.parametrize("said_in", [chat, messages])
def test_the_error_that_ended_a_stream_is_shown_after_what_was_said(said_in: Any):
    made = line(**said_in([user("Hi")], "Hello"), partial=True)
    made["response"]["error"] = {"type": "overloaded_error", "message": "too many at once"}
    assert "── assistant\nHello\n\n── error\ntoo many at once" in talk(made)
