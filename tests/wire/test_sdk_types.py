"""What clients get is what their SDK's own types and accumulators take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from tests.chaos import speech
from tests.wire.pieces import (
    MESSAGE_STOP,
    ROLE,
    START,
    STOP,
    calls,
    closed,
    delta,
    ended,
    opened,
    piece,
)
from tests.wire.talk import CHAT, MESSAGES, carry, lane, read

CALLS = [("call_1", "weather", {"city": "Zürich"}), ("call_2", "time", {})]
GOLDEN = sorted(Path(__file__).with_name("golden").glob("*.json"))

raw_event: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_whole_answers_are_of_the_sdks_types(path):
    golden = json.loads(path.read_text())
    if golden["client"] == CHAT:
        ChatCompletion.model_validate(golden["given"])
    elif "given" in golden:
        Message.model_validate(golden["given"])


@pytest.mark.parametrize(
    "events",
    [
        speech.chat_events(thinking="Let me see."),
        speech.chat_events(calls=CALLS),
        speech.chat_events(usage=None),
        [ROLE, calls(piece(0, '{"a"', id="x", name="f"), piece(1, "{", id="y", name="g")), STOP],
        [ROLE, STOP],
    ],
)
def test_streams_of_messages_are_of_the_sdks_types(events):
    for item in read(carry(lane(MESSAGES), events)):
        raw_event.validate_python(item)


def test_the_sdk_puts_citations_and_states_together():
    """Its accumulator fails on pieces of a list that have no index."""
    place = {"type": "web_search_result_location", "url": "https://example.com", "title": "E"}
    cites = [delta(0, type="citations_delta", citation=place) for _ in range(2)]
    thoughts = [
        block
        for index in (1, 2)
        for block in (
            opened(index, type="thinking", thinking="", signature=""),
            delta(index, type="signature_delta", signature=f"s{index}"),
            closed(index),
        )
    ]
    text = [opened(0, type="text", text="So."), *cites, closed(0)]
    state = ChatCompletionStreamState()
    for item in read(carry(lane(CHAT), [START, *text, *thoughts, ended("end_turn"), MESSAGE_STOP])):
        if item != "[DONE]":
            state.handle_chunk(ChatCompletionChunk.model_validate(item))
    message = state.get_final_completion().choices[0].message.model_dump()
    assert len(message["annotations"]) == 2
    assert len(message["reasoning_details"]) == 2


@pytest.mark.parametrize("usage", [True, False])
@pytest.mark.parametrize(
    "events",
    [
        speech.message_events(thinking="Let me see."),
        speech.message_events(thinking="Let me see.", calls=CALLS),
    ],
)
def test_the_sdk_puts_streams_of_chat_completions_together(events, usage):
    state = ChatCompletionStreamState()
    options = {"include_usage": True} if usage else None
    for item in read(carry(lane(CHAT, stream_options=options), events)):
        if item != "[DONE]":
            state.handle_chunk(ChatCompletionChunk.model_validate(item))
    choice = state.get_final_completion().choices[0]
    assert choice.finish_reason in ("stop", "tool_calls")
    if choice.message.tool_calls:
        found = [
            (call.function.name, json.loads(call.function.arguments))
            for call in choice.message.tool_calls
        ]
        assert found == [(name, arguments) for _, name, arguments in CALLS]
    else:
        assert choice.message.content == speech.TEXT
