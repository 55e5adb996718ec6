"""Events that differ in a text only are folded as one: which changes nothing, and is what makes it fast."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.wire.anthropic_messages import fold_stream as messages_fold
from providers.wire.codec import WireFormat
from providers.wire.openai_chat import fold_stream as chat_fold
from providers.wire.registry import CODECS
from providers.wire.whole_stream import read_stream
from tests.chaos import speech
from tests.chaos.speech import chat_chunk
from tests.wire.pieces import STOP, calls, closed, delta, opened, piece
from tests.wire.talk import CHAT, MESSAGES
from tests.wire.test_costs import within

DIALECTS = {CHAT: chat_fold.DIALECT, MESSAGES: messages_fold.DIALECT}
TEXTS = ["a", "b ", "", '"', "\\", "\\\\", "\n", "ü", "😀", '"}', '"content":"', "data: ", "[", "{"]
BROKEN = [
    b"data: {no\n\n",
    b'data: {"choices":[{"index":0,"delta":{"content":"x\\"},"finish_reason":null}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":"\xff"},"finish_reason":null}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":"\x01"},"finish_reason":null}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":"a\ndata: b"},"finish_reason":null}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":"a","x":"b"},"finish_reason":null}]}\n\n',
    b": ping\n\n",
    b"\n",
]


def chat_said(name: str, text: str, index: int = 0) -> bytes:
    chosen = {"index": index, "delta": {name: text}, "finish_reason": None}
    return speech.data({"choices": [chosen]})


texts = st.sampled_from(TEXTS)
chat_events = st.one_of(
    st.builds(lambda text: chat_said("content", text), texts),
    st.builds(chat_said, st.sampled_from(["content", "reasoning", "new"]), texts),
    st.builds(lambda text: chat_said("content", text, 1), texts),
    st.builds(lambda text: chat_chunk({"content": text}, obfuscation="aB1"), texts),
    st.builds(lambda text: chat_chunk({"content": text}, obfuscation='a"'), texts),
    st.builds(lambda text: chat_chunk({"content": text}, usage={"n": 1}), texts),
    st.builds(lambda text: calls(piece(0, text)), texts),
    st.builds(lambda text: calls(piece(None, text, id="a", name="f")), texts),
    st.builds(lambda text: chat_chunk({"content": text, "reasoning": text}), texts),
    st.builds(lambda text: speech.data({"choices": [], "x": text}), texts),
    st.sampled_from([STOP, *BROKEN]),
)
keys = st.integers(min_value=0, max_value=1)
message_events = st.one_of(
    st.builds(lambda text: delta(0, type="text_delta", text=text), texts),
    st.builds(lambda key, text: delta(key, type="text_delta", text=text), keys, texts),
    st.builds(lambda key, text: delta(key, type="thinking_delta", thinking=text), keys, texts),
    st.builds(
        lambda key, text: delta(key, type="input_json_delta", partial_json=text), keys, texts
    ),
    st.builds(lambda key: opened(key, type="text", text=""), keys),
    st.builds(closed, keys),
    st.sampled_from(BROKEN),
)


def runs(events: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Streams in which events repeat, as in real ones."""
    repeated = st.builds(lambda item, n: item * n, events, st.integers(1, 40))
    return st.lists(st.one_of(events, repeated), max_size=30).map(b"".join)


def singly(stream: bytes) -> bytes:
    """The same stream, in which no event is like another: each has a comment of its own."""
    return b"".join(
        b":%d\n%b\n\n" % (number, block) for number, block in enumerate(stream.split(b"\n\n"))
    )


def fold(wire_format: WireFormat, stream: bytes) -> Any:
    return json.loads(CODECS[wire_format].fold(stream).message)


@settings(max_examples=500)
@given(runs(chat_events), st.sampled_from([b"\n", b"\r\n"]))
def test_chunks_folded_as_one_say_what_they_say_one_by_one(stream, end):
    assert fold(CHAT, stream.replace(b"\n", end)) == fold(CHAT, singly(stream))


@settings(max_examples=500)
@given(runs(message_events))
def test_events_folded_as_one_say_what_they_say_one_by_one(stream):
    assert fold(MESSAGES, stream) == fold(MESSAGES, singly(stream))


def spaced(stream: bytes) -> bytes:
    """As json.dumps writes it by itself."""
    return stream.replace(b'":', b'": ').replace(b',"', b', "')


def obfuscated(stream: bytes) -> bytes:
    blocks = stream.split(b"]}\n\n")
    return b"".join(
        block + b'],"obfuscation":"%b"}\n\n' % (b"x" * (number % 7 + 1))
        for number, block in enumerate(blocks[:-1])
    )


def padded(stream: bytes) -> bytes:
    blocks = stream.split(b"}\n\n")
    return b"".join(
        block + b" " * (number % 7) + b"}\n\n" for number, block in enumerate(blocks[:-1])
    )


WORDS = " ".join(map(str, range(100)))
STREAMS = {
    "chat": (CHAT, b"".join(speech.chat_events(WORDS))),
    "chat, with spaces": (CHAT, spaced(b"".join(speech.chat_events(WORDS)))),
    "chat, made equally long": (CHAT, obfuscated(b"".join(speech.chat_events(WORDS)))),
    "chat, arguments": (CHAT, b"".join(calls(piece(0, word)) for word in WORDS.split())),
    "chat, thinking": (CHAT, b"".join(speech.chat_events(thinking=WORDS))),
    "messages": (MESSAGES, b"".join(speech.message_events(WORDS))),
    "messages, with spaces": (MESSAGES, spaced(b"".join(speech.message_events(WORDS)))),
    "messages, padded": (MESSAGES, padded(b"".join(speech.message_events(WORDS)))),
    "messages, thinking": (MESSAGES, b"".join(speech.message_events(thinking=WORDS))),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_hundred_pieces_of_a_text_are_read_as_a_few_events(name):
    wire_format, stream = STREAMS[name]
    assert stream.count(b"\n\n") >= 100
    assert len(read_stream(stream, DIALECTS[wire_format]).events) < 20


@pytest.mark.parametrize(
    "odd", [b"", b'data: {"x\n\n', b": ping\n\n"], ids=["plain", "broken", "pings"]
)
@pytest.mark.parametrize("name", STREAMS)
def test_work_grows_with_the_length_of_a_stream_and_no_faster(name, odd):
    wire_format, stream = STREAMS[name]
    body = stream.replace(b"data: [DONE]\n\n", b"")
    long = (body + odd) * 100
    with within(3):
        CODECS[wire_format].fold(long)


@pytest.mark.parametrize("name", STREAMS)
def test_memory_is_a_few_times_the_stream(name):
    wire_format, stream = STREAMS[name]
    long = stream.replace(b"data: [DONE]\n\n", b"") * 20
    tracemalloc.start()
    try:
        CODECS[wire_format].fold(long)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10 * len(long)
