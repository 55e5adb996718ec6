"""Answers in which something is of another type than their format says: the rest of them stands."""

from __future__ import annotations

import json

import pytest

from tests.chaos import speech
from tests.chaos.speech import DONE, chat_chunk, data
from tests.wire.pieces import (
    MESSAGE_STOP,
    ROLE,
    START,
    STOP,
    blocks_of,
    closed,
    delta,
    ended,
    opened,
    said,
    speech_of,
)
from tests.wire.talk import CHAT, MESSAGES, carry, lane, read

ODD_CHUNKS = {
    "a number as the id": ([chat_chunk({"content": "x"}, id=7)] * 9, 9 * "x", 0),
    "usage in words": ([chat_chunk({"content": "x"}, usage={"prompt_tokens": "5"})], "x", 0),
    "a refusal that is an object": ([chat_chunk({"content": "x", "refusal": {}})], "x", 1),
    "a content that is a number": ([speech_of("x"), chat_chunk({"content": 7})], "x", 1),
    "a part that has a number as its text": (
        [chat_chunk({"content": [{"type": "text", "text": 7}, {"type": "text", "text": "x"}]})],
        "x",
        1,
    ),
    "choices that are none": ([speech_of("x"), data({"choices": {"0": {}}})], "x", 1),
}


@pytest.mark.parametrize("case", ODD_CHUNKS)
def test_chunks_are_read_but_for_what_is_of_another_type(case):
    chunks, text, losses = ODD_CHUNKS[case]
    way = lane(MESSAGES)
    events = read(carry(way, [ROLE, *chunks, STOP, DONE]))
    assert "".join(said for _, said in blocks_of(events)) == text
    assert len(way.losses) == losses


SMILE = ("\\ud83d", "\\ude00")
"""The escapes of one character; no more than one of them is in an event."""


def _cut_chunk(text: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()


def _cut_event(text: str) -> bytes:
    return (
        b'data: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"%b"}}\n\n' % text.encode()
    )


def test_characters_that_are_cut_between_events_are_put_together():
    first, second = SMILE
    texts = ["a" + first, second + "b" + first, second]
    way = lane(MESSAGES)
    chunks = [_cut_chunk(text) for text in texts]
    assert blocks_of(read(carry(way, [ROLE, *chunks, STOP, DONE]))) == [("text", "a😀b😀")]
    assert not way.losses
    way = lane(CHAT)
    events = [opened(0, type="text", text=""), *map(_cut_event, texts), closed(0)]
    chunks = read(carry(way, [START, *events, ended("end_turn"), MESSAGE_STOP]))
    assert said(chunks, "content") == "a😀b😀"
    assert not way.losses


def test_half_a_character_whose_rest_never_comes_is_reported():
    way = lane(MESSAGES)
    events = read(carry(way, [ROLE, _cut_chunk("a" + SMILE[0]), speech_of("b"), STOP, DONE]))
    assert blocks_of(events) == [("text", "ab")]
    assert [loss.path for loss in way.losses] == ["answer.content"]


def test_usage_is_believed_whole_or_not_at_all():
    way = lane(MESSAGES)
    odd = {"prompt_tokens": "5", "completion_tokens": 3}
    carry(way, [ROLE, speech_of("x"), chat_chunk({}, "stop", usage=odd), DONE])
    assert way.meter.watcher.usage is None


@pytest.mark.parametrize(
    ("block", "inner"),
    [
        ({"type": "brand_new", "text": {"a": 1}}, {"type": "text_delta", "text": "hidden"}),
        ({"type": "text", "text": "", "citations": 7}, {"type": "text_delta", "text": {}}),
    ],
)
def test_events_are_read_but_for_what_is_of_another_type(block, inner):
    odd = [opened(0, **block), *[delta(0, **inner)] * 5, closed(0)]
    text = [opened(1, type="text", text="x"), closed(1)]
    way = lane(CHAT)
    chunks = read(carry(way, [START, *odd, *text, ended("end_turn"), MESSAGE_STOP]))
    assert said(chunks, "content") == "x"
    assert way.losses


def test_whole_answers_are_read_but_for_what_is_of_another_type():
    chat = json.loads(speech.chat_body(id=7))
    answer = json.loads(lane(MESSAGES).whole(json.dumps(chat).encode()))
    assert answer["content"] == [{"type": "text", "text": speech.TEXT}]
    message = json.loads(speech.message_body())
    message["model"] = 7
    answer = json.loads(lane(CHAT).whole(json.dumps(message).encode()))
    assert answer["choices"][0]["message"]["content"] == speech.TEXT
