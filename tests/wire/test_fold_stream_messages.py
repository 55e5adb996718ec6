"""What events mean that are cut off, in another order, or of kinds that nobody here knows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.wire.registry import CODECS
from tests.chaos.speech import event
from tests.wire.pieces import MESSAGE_STOP, START, closed, delta, ended, opened
from tests.wire.talk import MESSAGES

PLACE = {"type": "web_search_result_location", "url": "https://example.com", "title": "E"}
OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}


def message(*events: bytes) -> Any:
    return json.loads(CODECS[MESSAGES].fold(b"".join(events)).message)


def block(*events: bytes) -> Any:
    [found] = message(START, *events, closed(0), MESSAGE_STOP)["content"]
    return found


def test_nothing_is_read_after_the_end():
    stream = [START, opened(0, type="text", text="a"), MESSAGE_STOP, delta(0, type="x", text="b")]
    assert message(*stream)["content"] == [{"type": "text", "text": "a"}]


def test_arguments_are_an_object_when_they_are_complete_else_text():
    tool = opened(0, type="tool_use", id="t", name="f", input={})
    pieces = [
        delta(0, type="input_json_delta", partial_json=text) for text in ("", '{"a":', "[1]}")
    ]
    whole = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": [1]}}
    assert block(tool, *pieces) == whole
    assert block(tool, *pieces[:2]) == {**whole, "input": {}, "partial_json": '{"a":'}
    assert block(tool, *pieces[:1]) == {**whole, "input": {}}


def test_a_call_that_came_whole_keeps_its_arguments():
    assert block(opened(0, type="tool_use", id="t", name="f", input={"a": 1}))["input"] == {"a": 1}


def test_thoughts_have_their_signature_and_redacted_ones_their_data():
    thinking = opened(0, type="thinking", thinking="", signature="")
    deltas = [delta(0, type="thinking_delta", thinking=text) for text in ("Let ", "me.")]
    signed = delta(0, type="signature_delta", signature="s")
    assert block(thinking, *deltas, signed) == {
        "type": "thinking",
        "thinking": "Let me.",
        "signature": "s",
    }
    hidden = {"type": "redacted_thinking", "data": "d"}
    assert block(opened(0, **hidden)) == hidden


@pytest.mark.parametrize("citations", [{}, {"citations": None}, {"citations": []}])
def test_citations_are_added_to_their_block(citations):
    cite = delta(0, type="citations_delta", citation=PLACE)
    said = delta(0, type="text_delta", text="So.")
    found = block(opened(0, type="text", text="", **citations), said, cite, cite)
    assert found == {"type": "text", "text": "So.", "citations": [PLACE, PLACE]}


def test_blocks_of_the_vendors_own_tools_are_kept_as_they_came():
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "u"}]}
    query = delta(0, type="input_json_delta", partial_json='{"query":"x"}')
    found = message(
        START,
        *[opened(0, type="server_tool_use", id="s", name="web_search", input={}), query, closed(0)],
        *[opened(1, **result), closed(1)],
        MESSAGE_STOP,
    )
    asked = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    assert found["content"] == [asked, result]


def test_blocks_and_deltas_that_nobody_knows_are_kept_by_their_members():
    parts: list[dict[str, Any]] = [
        {"content": "a", "n": 1},
        {"content": "b", "n": 2, "list": [1]},
        {"list": [2]},
    ]
    deltas = [delta(0, type="compaction_delta", **part) for part in parts]
    found = block(opened(0, type="compaction", content=None), *deltas)
    assert found == {"type": "compaction", "content": "ab", "n": 2, "list": [1, 2]}


def test_a_delta_whose_block_never_began_makes_one():
    deltas = [delta(0, type="text_delta", text=text) for text in "ab"]
    assert block(*deltas) == {"type": "text", "text": "ab"}
    assert block(delta(0, type="new_delta", x="y")) == {"type": "new", "x": "y"}


def test_blocks_that_all_have_one_number_stay_apart():
    found = message(
        START,
        *[opened(0, type="text", text=""), delta(0, type="text_delta", text="a"), closed(0)],
        *[opened(0, type="text", text=""), delta(0, type="text_delta", text="b"), closed(0)],
        MESSAGE_STOP,
    )
    assert [item["text"] for item in found["content"]] == ["a", "b"]


def test_usage_is_replaced_number_by_number():
    first = {
        "id": "m",
        "content": [],
        "usage": {"input_tokens": 5, "output_tokens": 1, "tier": "x"},
    }
    found = message(
        event({"type": "message_start", "message": first}),
        ended("end_turn", output_tokens=7, iterations=[{"n": 1}], input_tokens=None),
        ended("end_turn", output_tokens=9, iterations=[{"n": 2}]),
        MESSAGE_STOP,
    )
    assert found["usage"] == {
        "input_tokens": 5,
        "output_tokens": 9,
        "tier": "x",
        "iterations": [{"n": 2}],
    }


def test_what_the_last_events_say_of_the_message_is_kept():
    stop = {"stop_reason": "refusal", "stop_sequence": None, "stop_details": {"category": "c"}}
    found = message(
        START,
        event({"type": "message_delta", "delta": stop, "context_management": {"edits": []}}),
        event({"type": "message_stop", "metrics": {"n": 1}}),
    )
    assert found == {
        "role": "assistant",
        "id": "msg_1",
        "model": "claude-test",
        "usage": {"input_tokens": 5, "output_tokens": 1},
        **stop,
        "context_management": {"edits": []},
        "metrics": {"n": 1},
        "type": "message",
        "content": [],
    }


def test_an_error_event_is_kept_beside_what_was_said():
    failed = event({"type": "error", "error": OVERLOADED})
    stream = START + opened(0, type="text", text="") + delta(0, type="text_delta", text="Hel")
    message, partial = CODECS[MESSAGES].fold(stream + failed)
    assert partial
    found = json.loads(message)
    assert (found["error"], found["content"]) == (OVERLOADED, [{"type": "text", "text": "Hel"}])
    assert json.loads(CODECS[MESSAGES].fold(failed).message) == {
        "type": "error",
        "error": OVERLOADED,
    }


def test_an_event_may_have_its_type_in_its_name_only():
    stream = (
        b'event: message_start\ndata: {"message":{"id":"m"}}\n\nevent: message_stop\ndata: {}\n\n'
    )
    message, partial = CODECS[MESSAGES].fold(stream)
    assert not partial
    assert json.loads(message)["id"] == "m"
