"""A stream folds into the message that the same answer would have been without a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, ParsedMessage, RawMessageStreamEvent
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from providers.wire.codec import AnswerHead, WireFormat
from providers.wire.events import Event
from providers.wire.fold import fold
from providers.wire.registry import CODECS
from providers.wire.sequencer import Sequencer
from providers.wire.whole_stream import read_values
from tests.chaos import speech
from tests.wire.talk import CHAT, MESSAGES, OTHER, read
from tests.wire.test_grammar import contents, play

CALLS = [("call_1", "weather", {"city": "Zürich", "sky": "☂\u2028"}), ("call_2", "time", {})]
WORDS = 'Guten Tag, 😀 „Welt“!\n\tEin \\ und ein " und ein \x7f.'
GOLDEN = sorted(Path(__file__).with_name("golden").glob("*.json"))
ENDS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}
SPOKEN: dict[str, dict[str, Any]] = {
    "text": {"text": WORDS},
    "no usage": {"usage": None},
    "thinking": {"thinking": "Mal sehen … ja."},
    "calls": {"calls": CALLS},
    "thinking and calls": {"calls": CALLS, "thinking": "Mal sehen … ja."},
}

raw_event: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def folded(wire_format: WireFormat, stream: bytes) -> Any:
    """The message of a stream that is whole."""
    message, partial = CODECS[wire_format].fold(stream)
    assert not partial
    return json.loads(message)


def said(value: Any, *without: str) -> Any:
    """What of a message is said: null, and nothing, is the same as absent."""
    if isinstance(value, dict):
        members = {name: said(inner, *without) for name, inner in value.items()}
        return {
            name: inner
            for name, inner in members.items()
            if inner not in (None, [], {}) and name not in without
        }
    return [said(inner, *without) for inner in value] if isinstance(value, list) else value


def spoken(wire_format: WireFormat, words: dict[str, Any]) -> tuple[bytes, Any]:
    """A stream, and the same answer without one."""
    if wire_format is CHAT:
        return b"".join(speech.chat_events(**words)), json.loads(speech.chat_body(**words))
    body = json.loads(speech.message_body(**words))
    body.setdefault("usage", {"input_tokens": 0, "output_tokens": 0})
    return b"".join(speech.message_events(**words)), body


def golden_answers() -> dict[str, tuple[WireFormat, dict[str, Any]]]:
    """(format, answer) of the providers' answers in the golden exchanges."""
    found = {}
    for path in GOLDEN:
        golden = json.loads(path.read_text())
        if "answer" in golden:
            found[path.stem] = OTHER[WireFormat(golden["client"])], golden["answer"]
    return found


ANSWERS = golden_answers()


def events_of(wire_format: WireFormat, answer: dict[str, Any]) -> list[Event]:
    sequencer = Sequencer("exchange")
    CODECS[wire_format].read_response(json.dumps(answer).encode(), sequencer)
    return sequencer.take()


def told(wire_format: WireFormat, events: list[Event]) -> tuple[bytes, Any, bool]:
    """What a client is told by a stream, and without one; and whether both lose the same of it."""
    codec = CODECS[wire_format]
    streamed, whole = (AnswerHead("exchange", 1, "model", True, []) for _ in range(2))
    stream = codec.encoder(streamed).encode(events)
    answer = json.loads(codec.write_response(fold(events), whole))
    return stream, answer, streamed.losses == whole.losses


@pytest.fixture(params=[CHAT, MESSAGES], ids=lambda name: name.value)
def wire_format(request) -> WireFormat:
    found: WireFormat = request.param
    return found


@pytest.mark.parametrize("words", SPOKEN.values(), ids=SPOKEN)
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_spoken_stream_is_the_answer_without_a_stream(wire_format, words, end):
    stream, answer = spoken(wire_format, words)
    assert said(folded(wire_format, stream.replace(b"\n", end))) == said(answer)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_golden_answer_told_as_a_stream_is_the_same_message(wire_format, name):
    stream, answer, _ = told(wire_format, events_of(*ANSWERS[name]))
    found = folded(wire_format, stream)
    if wire_format is CHAT:
        answer["choices"] = said(answer["choices"])
        found["choices"] = said(found["choices"])
    assert found == answer


@settings(max_examples=300)
@given(st.lists(contents), st.sampled_from([CHAT, MESSAGES]))
def test_whatever_is_told_as_a_stream_is_the_same_message(words, wire_format):
    """But for what the two ways differ in: places of citations, thoughts that come after the state
    that they are told with, and blocks that hold nothing.
    """
    stream, answer, lose_the_same = told(wire_format, play(words))
    assume(lose_the_same)
    found = folded(wire_format, stream)
    if wire_format is CHAT:
        unlike = ("start_index", "end_index", "index", "content", "text")
        assert said(found, *unlike) == said(answer, *unlike)
        for choice, other in zip(found["choices"], answer["choices"], strict=True):
            assert (choice["message"]["content"] or "") == (other["message"]["content"] or "")
    else:
        for message in (found, answer):
            message["content"] = _in_one(message["content"])
        assert said(found) == said(answer)


def _in_one(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Blocks of text that follow each other as one, and none that is empty."""
    found: list[dict[str, Any]] = []
    for block in blocks:
        if block["type"] == "text" and found and found[-1]["type"] == "text":
            found[-1] = {"type": "text", "text": found[-1]["text"] + block["text"]}
        elif block != {"type": "text", "text": ""}:
            found.append(block)
    return found


@settings(max_examples=300)
@given(
    text=st.text(),
    cuts=st.lists(st.integers(min_value=0, max_value=200), max_size=30),
    wire_format=st.sampled_from([CHAT, MESSAGES]),
)
def test_it_does_not_matter_how_a_text_is_split(text, cuts, wire_format):
    places = sorted({place % (len(text) + 1) for place in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in zip(places, places[1:], strict=False)] or [""]
    _, answer = spoken(wire_format, {"text": text})
    assert said(folded(wire_format, _respoken(wire_format, pieces))) == said(answer)


def _respoken(wire_format: WireFormat, pieces: list[str]) -> bytes:
    """The stream of an answer whose text comes in these pieces."""
    stream, _ = spoken(wire_format, {"text": "@"})
    blocks = stream.split(b"\n\n")
    [place] = [number for number, block in enumerate(blocks) if b'"@"' in block]
    blocks[place : place + 1] = [
        blocks[place].replace(b'"@"', json.dumps(piece, ensure_ascii=False).encode())
        for piece in pieces
    ]
    return b"\n\n".join(blocks)


@pytest.mark.parametrize("words", SPOKEN.values(), ids=SPOKEN)
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_stream_cut_at_any_byte_says_the_beginning_and_that_it_is_partial(
    wire_format, words, end
):
    stream, _ = spoken(wire_format, words)
    stream = stream.replace(b"\n", end)
    last = stream.rstrip(b"\r\n")
    whole = _texts(wire_format, folded(wire_format, stream))
    lengths = []
    for place in range(len(stream)):
        message, partial = CODECS[wire_format].fold(stream[:place])
        assert partial is (place < len(last)), place
        texts = _texts(wire_format, json.loads(message))
        assert all(full.startswith(text) for text, full in zip(texts, whole, strict=True))
        lengths.append(sum(map(len, texts)))
    assert lengths == sorted(lengths)


def _texts(wire_format: WireFormat, message: dict[str, Any]) -> list[str]:
    """Text, thoughts, and the arguments of each call."""
    if wire_format is CHAT:
        [choice] = message.get("choices") or [{"message": {}}]
        heard = choice["message"]
        calls = [call.get("function", {}) for call in heard.get("tool_calls") or ()]
        arguments = [call.get("arguments", "") for call in calls]
        return [heard.get("content") or "", heard.get("reasoning_content", ""), *_two(arguments)]
    blocks = message.get("content") or ()
    inputs = [
        (block.get("partial_json") or json.dumps(block["input"])).strip("{}")
        for block in blocks
        if block["type"] == "tool_use"
    ]
    names = ("text", "thinking")
    plain = ["".join(block.get(name, "") for block in blocks) for name in names]
    return [*plain, *_two(inputs)]


def _two(texts: list[str]) -> list[str]:
    return [*texts, "", ""][:2]


@given(st.binary(max_size=300), st.sampled_from([CHAT, MESSAGES]))
def test_nonsense_is_folded_without_a_defect(content, wire_format):
    for stream in (content, b"data: " + content + b"\n\n"):
        message, partial = CODECS[wire_format].fold(stream)
        assert partial
        assert isinstance(json.loads(message), dict)


@settings(max_examples=300)
@given(st.data(), st.sampled_from([CHAT, MESSAGES]))
def test_a_stream_with_bytes_put_wrong_is_folded_without_a_defect(data, wire_format):
    stream = bytearray(spoken(wire_format, SPOKEN["thinking and calls"])[0])
    for _ in range(data.draw(st.integers(min_value=1, max_value=20))):
        place = data.draw(st.integers(min_value=0, max_value=len(stream) - 1))
        stream[place] = data.draw(st.integers(min_value=0, max_value=255))
    assert isinstance(json.loads(CODECS[wire_format].fold(bytes(stream)).message), dict)


ODD: list[Any] = [
    None,
    True,
    -1,
    1.5,
    2**70,
    "",
    "x",
    [],
    {},
    [None],
    [[]],
    [{}],
    ["x"],
    {"index": 0},
    {"": []},
]
RICH = {
    CHAT: [
        {"role": "assistant", "content": [{"type": "text", "text": "a"}], "audio": {"id": "a"}},
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]},
        {"function_call": {"arguments": "{}"}, "reasoning_details": [{"index": 0, "text": "t"}]},
        {"annotations": [{"type": "url_citation"}]},
    ],
    MESSAGES: [
        {"type": "message_start", "message": {"role": "x", "content": [{"type": "text"}]}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "a", "text": "t"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta"}},
        {"type": "content_block_delta", "index": 0, "delta": {"partial_json": "{", "text": "t"}},
        {"type": "content_block_delta", "index": 0, "delta": {"signature": "s", "citation": {}}},
        {"type": "message_delta", "delta": {"stop_reason": "x"}, "usage": {"output_tokens": 1}},
        {"type": "error", "error": {"type": "x"}},
    ],
}


def rich_events(wire_format: WireFormat) -> list[Any]:
    if wire_format is MESSAGES:
        return [json.loads(json.dumps(item)) for item in RICH[MESSAGES]]
    logprobs = {"content": [{"token": "a"}]}
    return [
        json.loads(json.dumps({"choices": [{"index": 0, "delta": item, "logprobs": logprobs}]}))
        for item in RICH[CHAT]
    ]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a value."""
    if isinstance(value, dict | list):
        keys = [*value] if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield value, key
            yield from places(value[key])


def test_members_of_other_types_than_a_format_has_are_folded_without_a_defect(wire_format):
    """Each member of each event once as everything that it should not be, before and after others."""
    events = rich_events(wire_format)
    whole = b"".join(map(speech.data, events))
    for item in events:
        for container, key in [*places(item)]:
            known = container[key]
            for odd in ODD:
                container[key] = odd
                stream = whole + speech.data(item) * 2 + whole
                assert isinstance(json.loads(CODECS[wire_format].fold(stream).message), dict)
                stream = speech.data(item) * 2 + whole
                assert isinstance(json.loads(CODECS[wire_format].fold(stream).message), dict)
            container[key] = known


@pytest.mark.parametrize("stream", [b"", b"\n\n", b": ping\n\n", b"data: {", b"data: 1\n\n"])
def test_a_stream_without_one_readable_event_is_an_empty_message(wire_format, stream):
    assert CODECS[wire_format].fold(stream) == (b"{}", True)


@pytest.mark.parametrize("depth", [100, 2000, 100_000])
def test_what_is_nested_too_deeply_is_left_out_and_nothing_else(wire_format, depth):
    stream, answer = spoken(wire_format, SPOKEN["text"])
    found = folded(wire_format, b"data: " + nested(depth) + b"\n\n" + stream)
    found.pop("x", None)
    assert said(found) == said(answer)


def nested(depth: int) -> bytes:
    return b'{"x":' * depth + b"1" + b"}" * depth


def test_what_could_just_be_read_can_be_written_too():
    """A message is nested up to three levels more deeply than the events that it was read from."""
    readable = [depth for depth in range(500, 1000) if read_values([nested(depth)]) is not None]
    assert readable
    for depth in readable:
        msgspec.json.encode([[[msgspec.json.decode(b"[[[[" + nested(depth) + b"]]]]")]]])


def sdk_chat(stream: bytes) -> Any:
    state = ChatCompletionStreamState()
    for item in read(stream):
        if item != "[DONE]":
            state.handle_chunk(ChatCompletionChunk.model_validate(item))
    return state.current_completion_snapshot.model_dump(mode="json")


def sdk_message(stream: bytes) -> Any:
    snapshot: ParsedMessage[Any] | None = None
    texts: dict[int, bytes] = {}
    for item in read(stream):
        if item["type"] != "ping":
            event = raw_event.validate_python(item)
            snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=texts)
    assert snapshot is not None
    return snapshot.model_dump(mode="json")


SDK_ALONE = ("index", "parsed", "parsed_arguments", "parsed_output")
"""What the SDKs add to a message, or leave in it of the stream."""


@pytest.mark.parametrize("name", [*SPOKEN, *ANSWERS])
def test_the_sdks_take_the_message_and_put_the_stream_together_to_the_same(wire_format, name):
    stream = (
        spoken(wire_format, SPOKEN[name])[0]
        if name in SPOKEN
        else told(wire_format, events_of(*ANSWERS[name]))[0]
    )
    found = folded(wire_format, stream)
    if wire_format is CHAT:
        ChatCompletion.model_validate(found)
        theirs = sdk_chat(stream)
        for message in (choice["message"] for choice in theirs["choices"]):
            message["content"] = message["content"] or None
    else:
        Message.model_validate(found)
        theirs = sdk_message(stream)
    assert said(found, *SDK_ALONE) == said(theirs, *SDK_ALONE)
