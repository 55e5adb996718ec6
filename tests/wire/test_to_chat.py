"""Messages events, told to a client of Chat Completions."""

from __future__ import annotations

import json

import pytest

from providers.wire.call_ids import base62
from providers.wire.codec import AnswerHead
from providers.wire.fold import fold
from providers.wire.model import ProviderDetails, ToolCallPart
from providers.wire.registry import CODECS
from providers.wire.sequencer import Sequencer
from tests.chaos import speech
from tests.chaos.speech import DONE, event
from tests.wire.grammar import check
from tests.wire.pieces import (
    MESSAGE_STOP,
    ROLE,
    START,
    STOP,
    blocks_of,
    calls,
    closed,
    delta,
    ended,
    finish_of,
    opened,
    piece,
    said,
    to_chat,
)
from tests.wire.talk import CHAT, IDENTIFIER, MESSAGES, carry, lane, read


def test_a_plain_answer_has_a_role_its_text_a_finish_and_usage():
    chunks = to_chat(*speech.message_events())
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert said(chunks, "content") == speech.TEXT
    assert finish_of(chunks) == "stop"
    assert chunks[-2]["choices"] == []
    assert chunks[-2]["usage"]["prompt_tokens"] == 11
    assert chunks[-1] == "[DONE]"
    assert {chunk["id"] for chunk in chunks[:-1]} == {f"chatcmpl-{IDENTIFIER}"}


def test_usage_is_left_out_for_who_did_not_ask():
    chunks = read(carry(lane(CHAT, stream_options=None), speech.message_events()))
    assert all(chunk["choices"] for chunk in chunks[:-1])
    assert not any("usage" in chunk for chunk in chunks[:-1])


def test_thinking_and_its_signature_are_carried():
    chunks = to_chat(*speech.message_events(thinking="Let me see."))
    assert said(chunks, "reasoning_content") == "Let me see."
    [details] = [
        chunk["choices"][0]["delta"]["reasoning_details"]
        for chunk in chunks[:-2]
        if "reasoning_details" in chunk["choices"][0]["delta"]
    ]
    assert details[0]["index"] == 0
    assert details[0]["text"] == "Let me see."
    assert details[0]["signature"].startswith("pb1.anthropic.signature.")


def test_calls_are_numbered_from_nought_and_never_without_arguments():
    chunks = to_chat(
        START,
        opened(0, type="text", text=""),
        delta(0, type="text_delta", text="Look:"),
        closed(0),
        opened(1, type="tool_use", id="t1", name="f", input={}),
        delta(1, type="input_json_delta", partial_json=""),
        closed(1),
        opened(2, type="tool_use", id="t2", name="g", input={}),
        delta(2, type="input_json_delta", partial_json='{"a"'),
        delta(2, type="input_json_delta", partial_json=":1}"),
        closed(2),
        ended("tool_use", output_tokens=9),
        MESSAGE_STOP,
    )
    pieces = [
        call for chunk in chunks[:-2] for call in chunk["choices"][0]["delta"].get("tool_calls", ())
    ]
    assert [(c["index"], c["id"]) for c in pieces if "id" in c] == [(0, "t1"), (1, "t2")]
    arguments = {0: "", 1: ""}
    for call in pieces:
        arguments[call["index"]] += call["function"]["arguments"]
    assert arguments == {0: "{}", 1: '{"a":1}'}
    assert finish_of(chunks) == "tool_calls"


def test_a_block_may_hold_its_content_from_the_start():
    chunks = to_chat(
        START,
        opened(0, type="text", text="Hi"),
        closed(0),
        opened(1, type="tool_use", id="t", name="f", input={"a": 1}),
        closed(1),
        ended("tool_use"),
        MESSAGE_STOP,
    )
    assert said(chunks, "content") == "Hi"
    assert '{"a":1}' in json.dumps(chunks).replace('\\"', '"').replace(" ", "")


def test_usage_restated_at_the_end_replaces_field_by_field():
    chunks = to_chat(
        START,
        opened(0, type="text", text="x"),
        closed(0),
        ended("end_turn", input_tokens=7, cache_read_input_tokens=3, output_tokens=9),
        MESSAGE_STOP,
    )
    usage = chunks[-2]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (10, 9)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 3


def test_cache_writes_restated_without_their_breakdown_count_in_full():
    split = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 20}
    first = {"cache_creation_input_tokens": 120, "cache_creation": split}
    chunks = to_chat(
        START,
        opened(0, type="text", text="x"),
        closed(0),
        ended("end_turn", output_tokens=1, **first),
        ended("end_turn", output_tokens=9, cache_creation_input_tokens=300),
        MESSAGE_STOP,
    )
    usage = chunks[-2]["usage"]
    assert usage["prompt_tokens"] == 305
    assert usage["prompt_tokens_details"]["cache_write_tokens"] == 300


def test_the_providers_own_tools_are_no_calls_and_their_absence_is_reported():
    way = lane(CHAT)
    chunks = read(
        carry(
            way,
            [
                START,
                opened(0, type="server_tool_use", id="s", name="web_search", input={}),
                delta(0, type="input_json_delta", partial_json='{"q":1}'),
                closed(0),
                opened(1, type="web_search_tool_result", tool_use_id="s", content=[]),
                closed(1),
                opened(2, type="text", text=""),
                delta(2, type="text_delta", text="Found."),
                closed(2),
                ended("end_turn"),
                MESSAGE_STOP,
            ],
        )
    )
    assert said(chunks, "content") == "Found."
    assert "tool_calls" not in json.dumps(chunks)
    assert finish_of(chunks) == "stop"
    assert [loss.path for loss in way.losses] == ["answer.content", "answer.content"]


def test_a_citation_before_its_text_waits_for_it():
    place = {"type": "web_search_result_location", "url": "https://example.com", "title": "Example"}
    way = lane(CHAT)
    cited = [
        opened(0, type="text", text=""),
        delta(0, type="citations_delta", citation=place),
        delta(0, type="text_delta", text="So it is."),
        closed(0),
    ]
    chunks = read(carry(way, [START, *cited, ended("end_turn"), MESSAGE_STOP]))
    assert json.dumps(chunks).count("https://example.com") == 1
    assert not way.losses
    way = lane(CHAT)
    carry(way, [START, *cited[:2], closed(0), ended("end_turn"), MESSAGE_STOP])
    assert [loss.path for loss in way.losses] == ["answer.content"]


def test_why_an_answer_was_refused_is_told_where_there_is_no_text():
    details = {"type": "refusal", "explanation": "Not that."}
    refused = event(
        {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}}
    )
    chunks = to_chat(START, refused, MESSAGE_STOP)
    assert (said(chunks, "refusal"), finish_of(chunks)) == ("Not that.", "content_filter")
    way = lane(CHAT)
    text = [opened(0, type="text", text="x"), closed(0)]
    chunks = read(carry(way, [START, *text, refused, MESSAGE_STOP]))
    assert (said(chunks, "content"), said(chunks, "refusal")) == ("x", "")
    assert [loss.path for loss in way.losses] == ["answer.content"]


def test_a_block_of_an_unknown_kind_is_not_shown_whatever_it_holds():
    way = lane(CHAT)
    blocks = [opened(0, type="brand_new"), delta(0, type="text_delta", text="hidden"), closed(0)]
    chunks = read(carry(way, [START, *blocks, ended("end_turn"), MESSAGE_STOP]))
    assert said(chunks, "content") == ""
    assert [loss.path for loss in way.losses] == ["answer.content"]


def test_any_number_of_texts_is_taken():
    texts = [opened(n, type="text", text="x") + closed(n) for n in range(300)]
    chunks = to_chat(START, *texts, ended("end_turn"), MESSAGE_STOP)
    assert said(chunks, "content") == 300 * "x"


def test_the_state_of_a_call_that_has_begun_is_carried():
    sequencer = Sequencer("x")
    sequencer.call(0, "x", "f")
    sequencer.go_on_with_call(0, None, "", ProviderDetails("google", "call", "late"))
    sequencer.end()
    events = sequencer.take()
    check(events)
    [part] = fold(events).parts
    assert isinstance(part, ToolCallPart)
    assert part.details == ProviderDetails("google", "call", "late")
    chunks = read(CODECS[CHAT].encoder(AnswerHead("x", 1, "m", False, [])).encode(events))
    assert '"extra_content": {"google": {"thought_signature": "late"}}' in json.dumps(chunks)


def test_citations_of_web_addresses_are_carried():
    place = {
        "type": "web_search_result_location",
        "url": "https://example.com",
        "title": "Example",
        "cited_text": "x",
    }
    chunks = to_chat(
        START,
        opened(0, type="text", text=""),
        delta(0, type="text_delta", text="So it is."),
        delta(0, type="citations_delta", citation=place),
        closed(0),
        ended("end_turn"),
        MESSAGE_STOP,
    )
    [annotation] = [
        note
        for chunk in chunks[:-2]
        for note in chunk["choices"][0]["delta"].get("annotations", ())
    ]
    assert annotation["url_citation"]["url"] == "https://example.com"


@pytest.mark.parametrize(
    ("reason", "finish", "lossy"),
    [
        ("end_turn", "stop", False),
        ("stop_sequence", "stop", False),
        ("max_tokens", "length", False),
        ("model_context_window_exceeded", "length", False),
        ("refusal", "content_filter", False),
        ("pause_turn", "stop", True),
        ("brand_new", "stop", True),
    ],
)
def test_stop_reasons(reason, finish, lossy):
    way = lane(CHAT)
    chunks = read(carry(way, [START, ended(reason), MESSAGE_STOP]))
    assert finish_of(chunks) == finish
    assert bool(way.losses) is lossy


def test_unknown_events_and_pings_do_no_harm():
    unknown = event({"type": "brand_new", "index": 0})
    ping = event({"type": "ping"})
    out = carry(
        lane(CHAT),
        [
            ping,
            START,
            ping,
            unknown,
            opened(0, type="text", text=""),
            ping,
            delta(0, type="text_delta", text="x"),
            delta(0, type="brand_new_delta", value=1),
            closed(0),
            ended("end_turn"),
            MESSAGE_STOP,
        ],
    )
    assert said(read(out), "content") == "x"
    assert out.count(b": ping\n\n") == 2


def test_tool_names_that_were_shortened_come_back_whole():
    long = "mcp__" + "x" * 70
    tools = [{"name": long, "input_schema": {"type": "object"}}]
    way = lane(MESSAGES, tools=tools)
    short = f"{long[:55]}_{base62(long, 8)}"
    first = piece(0, "{}", id="x", name=short)
    events = read(carry(way, [ROLE, calls(first), STOP, DONE]))
    assert blocks_of(events) == [("tool_use", long + "{}")]
