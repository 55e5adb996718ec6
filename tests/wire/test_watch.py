"""What the books learn from answers in which something is not of the type that a gateway expects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.meter import Meter
from providers.transform import HubWatcher
from providers.wire.codec import WireFormat
from providers.wire.prompt import PromptSize
from providers.wire.registry import CODECS
from providers.wire.sequencer import Sequencer
from providers.wire.usage import Usage
from providers.wire.watch import Sight
from tests.chaos import speech

CHAT, MESSAGES = WireFormat.OPENAI_CHAT, WireFormat.ANTHROPIC_MESSAGES
USED = Usage(input_tokens=11, output_tokens=7)
TEXTS = {"plain": ("Hello", 5), "Latin": ("Grüße", 7), "CJK": ("漢字", 6), "emoji": ("🙂", 4)}
CALL = {"index": 0, "id": "c", "function": {"name": "f", "arguments": {"city": "Bern"}}}
ODD_DELTAS = [{"tool_calls": [CALL]}, {"content": 7}, {"content": "x", "refusal": ["no"]}]


def meter(wire_format: WireFormat) -> Meter:
    return Meter(CODECS[wire_format].watcher())


def odd_chat(delta: dict[str, Any]) -> bytes:
    answer = json.loads(speech.chat_body())
    answer["choices"][0]["message"] = delta
    return speech.compact(answer)


def odd_message(**members: Any) -> bytes:
    return speech.compact({**json.loads(speech.message_body()), **members})


@pytest.mark.parametrize("delta", ODD_DELTAS)
def test_a_whole_chat_answer_is_charged_by_its_usage_whatever_its_parts_are(delta):
    seen = meter(CHAT)
    seen.body(odd_chat(delta))
    assert seen.reading(PromptSize(9)) == (USED, "provider")
    assert seen.watcher.response_model == "gpt-test"


@pytest.mark.parametrize("delta", ODD_DELTAS)
def test_a_chat_stream_is_charged_by_its_usage_whatever_its_parts_are(delta):
    seen = meter(CHAT)
    last = speech.chat_chunk(delta, "stop", usage=speech.CHAT_USAGE)
    assert seen.event(last) is Sight.CONTENT
    assert seen.reading(PromptSize(9)) == (USED, "provider")


def test_the_usage_event_of_a_chat_stream_is_known_whatever_its_id_is():
    seen = meter(CHAT)
    event = speech.data({"id": 7, "choices": [], "usage": speech.CHAT_USAGE})
    assert seen.event(event) is Sight.USAGE
    assert seen.watcher.usage == USED


def test_usage_that_cannot_be_read_is_none():
    seen = meter(CHAT)
    seen.body(speech.compact({**json.loads(speech.chat_body()), "usage": "seven"}))
    assert seen.watcher.usage is None
    assert seen.watcher.response_model == "gpt-test"


def test_an_error_that_is_null_is_no_error_whatever_else_is_there():
    seen = meter(CHAT)
    assert seen.event(speech.chat_chunk({"content": 7}, error=None)) is Sight.CONTENT


@pytest.mark.parametrize(
    "members",
    [{"content": "Hello"}, {"content": [{"type": "text", "text": 7}]}, {"id": 7}],
)
def test_a_whole_message_is_charged_by_its_usage_whatever_its_parts_are(members):
    seen = meter(MESSAGES)
    seen.body(odd_message(**members))
    assert seen.reading(PromptSize(9)) == (USED, "provider")
    assert seen.watcher.response_model == "claude-test"


def test_a_stream_of_messages_is_charged_by_its_usage_whatever_its_parts_are():
    seen = meter(MESSAGES)
    start = {"content": "none", "model": "claude-test", "usage": {"input_tokens": 11}}
    seen.event(speech.event({"type": "message_start", "message": start}))
    delta = {"text": 7, "stop_reason": "end_turn"}
    seen.event(
        speech.event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}})
    )
    assert seen.reading(PromptSize(9)) == (USED, "provider")


@pytest.mark.parametrize(("text", "size"), TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("kind", ["content", "reasoning_content", "refusal"])
def test_text_is_counted_in_bytes_in_chat(text: str, size: int, kind: str):
    one, whole = meter(CHAT), meter(CHAT)
    one.event(speech.chat_chunk({kind: text}))
    whole.body(odd_chat({kind: text}))
    assert (one.watcher.output_bytes, whole.watcher.output_bytes) == (size, size)


@pytest.mark.parametrize(("text", "size"), TEXTS.values(), ids=TEXTS)
def test_text_is_counted_in_bytes_in_messages(text: str, size: int):
    one, whole = meter(MESSAGES), meter(MESSAGES)
    delta = {"type": "text_delta", "text": text}
    one.event(speech.event({"type": "content_block_delta", "index": 0, "delta": delta}))
    whole.body(odd_message(content=[{"type": "text", "text": text}]))
    assert (one.watcher.output_bytes, whole.watcher.output_bytes) == (size, size)


@pytest.mark.parametrize(("text", "size"), TEXTS.values(), ids=TEXTS)
def test_text_is_counted_in_bytes_in_long_reads(text: str, size: int):
    chat, messages = CODECS[CHAT].watcher(), CODECS[MESSAGES].watcher()
    delta = {"type": "text_delta", "text": text}
    escaped = json.dumps({"choices": [{"delta": {"content": text}}]}).encode()
    assert chat.run(b"data: " + escaped + b"\n\n")
    assert messages.run(speech.event({"type": "content_block_delta", "index": 0, "delta": delta}))
    assert (chat.output_bytes, messages.output_bytes) == (size, size)


@pytest.mark.parametrize(("text", "size"), TEXTS.values(), ids=TEXTS)
def test_text_is_counted_in_bytes_where_it_is_translated(text: str, size: int):
    sequencer = Sequencer("id")
    sequencer.text(text)
    sequencer.reasoning(text)
    sequencer.refusal(text)
    sequencer.call("k", "c", "f")
    sequencer.arguments("k", text)
    assert sequencer.output_bytes == 4 * size + 1


@pytest.mark.parametrize("count", [10**9 + 1, 10**30])
@pytest.mark.parametrize("wire_format", [CHAT, MESSAGES])
@pytest.mark.parametrize("hub", [False, True], ids=["watched", "decoded"])
def test_an_absurd_number_of_tokens_is_no_number(wire_format, count, hub):
    codec = CODECS[wire_format]
    sequencer = Sequencer("x")
    watched = Meter(HubWatcher(codec, sequencer)) if hub else meter(wire_format)
    chat = speech.chat_body(usage={"prompt_tokens": 11, "completion_tokens": count})
    message = speech.message_body(usage={"input_tokens": 11, "output_tokens": count})
    watched.body(chat if wire_format is CHAT else message)
    reading = watched.reading(PromptSize(400))
    assert (reading.source, reading.usage.input_tokens) == ("estimated", 100)
    assert 0 < reading.usage.output_tokens < 100


def test_an_absurd_last_word_leaves_nothing_of_an_earlier_one():
    events = [
        speech.message_events()[0],
        speech.event(
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 10**30},
            }
        ),
    ]
    watched = meter(MESSAGES)
    for event in events:
        watched.event(event)
    assert watched.reading(PromptSize(400)).source == "estimated"
