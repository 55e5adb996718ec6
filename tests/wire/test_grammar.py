"""Whatever a decoder says, in whatever order: the events are legal, and nothing of them is lost."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.wire.codec import AnswerHead
from providers.wire.errors import BadAnswer, ErrorInfo, ErrorKind
from providers.wire.events import Event, Failure, MessageEnd, TextDelta, ToolCallStart
from providers.wire.fold import fold
from providers.wire.linearizer import Linearizer
from providers.wire.model import Citation, ProviderDetails, Stop, StopReason
from providers.wire.registry import CODECS
from providers.wire.sequencer import Sequencer
from providers.wire.usage import Usage
from tests.wire.grammar import check
from tests.wire.pieces import blocks_of
from tests.wire.talk import CHAT, MESSAGES, read

Step = Callable[[Sequencer], None]

ERROR = ErrorInfo(ErrorKind.UPSTREAM, 502, "gone")
SIGNED = ProviderDetails("anthropic", "signature", "s")
keys = st.integers(min_value=0, max_value=3)
texts = st.sampled_from(["", "a", "bc", "{", '"k":', "1}", "{}"])

contents = st.one_of(
    st.builds(lambda text, key: lambda s: s.text(text, key), texts, keys),
    st.builds(lambda text, key: lambda s: s.reasoning(text, key), texts, keys),
    st.builds(lambda text: lambda s: s.refusal(text), texts),
    st.builds(lambda key: lambda s: s.details(SIGNED, key), keys),
    st.builds(lambda key: lambda s: s.citation(Citation(url="u"), key), keys),
    st.builds(lambda key: lambda s: s.call(key, None, "f"), keys),
    st.builds(lambda key: lambda s: s.call(key, f"id{key}", "g", SIGNED), keys),
    st.builds(lambda key: lambda s: s.call(key, "late", ""), keys),
    st.builds(lambda key: lambda s: s.go_on_with_call(key, None, "h", SIGNED), keys),
    st.builds(lambda text, key: lambda s: s.arguments(key, text), texts, keys),
    st.builds(lambda key: lambda s: s.end_part(key), keys),
    st.just(lambda s: s.heartbeat()),
    st.just(lambda s: s.activity("web_search")),
    st.just(lambda s: s.count(Usage(input_tokens=3, output_tokens=2))),
    st.just(lambda s: s.start("id", "model")),
    st.just(lambda s: s.stop(Stop(StopReason.END, "stop"))),
)
steps = st.lists(
    st.one_of(contents, contents, contents, st.just(lambda s: s.fail(ERROR)))
) | st.lists(contents)


def play(said: list[Step], end: bool = True) -> list[Event]:
    sequencer = Sequencer("exchange")
    events: list[Event] = []
    for step in said:
        step(sequencer)
        events += sequencer.take()
    if end:
        sequencer.end()
        events += sequencer.take()
    return events


@settings(max_examples=300)
@given(steps, st.booleans())
def test_any_row_of_words_becomes_a_legal_row_of_events(said, end):
    check(play(said, end))


@settings(max_examples=300)
@given(steps, st.data())
def test_the_linearizer_lets_no_parts_overlap_and_loses_nothing(said, data):
    """A failure is told at once: parts that were kept back for another are not waited for."""
    events = play(said)
    linearizer = Linearizer()
    out: list[Event] = []
    while events:
        size = data.draw(st.integers(min_value=1, max_value=len(events)))
        out += linearizer.feed(events[:size])
        del events[:size]
    whole = play(said)
    check(out, overlapping=False)
    if not any(isinstance(event, Failure) for event in whole):
        assert sorted(map(repr, out)) == sorted(map(repr, whole))
        assert fold(out) == fold(whole)


@settings(max_examples=200)
@given(st.lists(contents))
def test_a_stream_written_and_read_again_means_the_same(said):
    """Chat Completions to Chat Completions is never translated, but its two halves must agree."""
    events = play(said)
    expected = fold(events)
    for wire_format in (CHAT, MESSAGES):
        codec = CODECS[wire_format]
        head = AnswerHead("exchange", 1, "model", True, [])
        stream = codec.encoder(head).encode(events)
        sequencer = Sequencer("exchange")
        decoder = codec.decoder(sequencer)
        for block in _blocks(stream):
            decoder.read(block)
        found = fold(sequencer.take())
        assert _texts(found) == _texts(expected)
        assert sequencer.ended


def _blocks(stream: bytes) -> list[bytes]:
    return [block + b"\n\n" for block in stream.split(b"\n\n") if block]


def _texts(response) -> tuple[str, list[tuple[str, str]], object]:
    said, called = "", []
    for part in response.parts:
        name = type(part).__name__
        if name in ("TextPart", "RefusalPart"):
            said += part.text
        elif name == "ToolCallPart":
            called.append((part.name, part.arguments or "{}"))
    return said, called, response.usage


@settings(max_examples=200)
@given(st.lists(contents))
def test_blocks_of_messages_are_numbered_without_gaps_and_never_overlap(said):
    head = AnswerHead("exchange", 1, "model", True, [])
    stream = read(CODECS[MESSAGES].encoder(head).encode(play(said)))
    blocks_of([item for item in stream if isinstance(item, dict)])
    kinds = [item["type"] for item in stream]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]


def test_calls_overlap_until_one_is_whole():
    def said(s: Sequencer) -> None:
        s.call(0, "a", "f")
        s.arguments(0, "{")
        s.call(1, "b", "g")
        s.arguments(0, "}")
        s.text("x")

    events = play([said])
    check(events)
    starts = [event for event in events if isinstance(event, ToolCallStart)]
    assert [start.call_id for start in starts] == ["a", "b"]
    assert any(isinstance(event, TextDelta) for event in events)


def test_an_overlap_larger_than_can_be_kept_is_refused():
    linearizer = Linearizer()
    sequencer = Sequencer("exchange")
    sequencer.call(0, "a", "f")
    sequencer.arguments(0, "{")
    linearizer.feed(sequencer.take())
    refused = False
    for _ in range(17):
        sequencer.text("x" * (2**20))
    try:
        linearizer.feed(sequencer.take())
    except BadAnswer:
        refused = True
    assert refused


def test_ids_that_are_invented_differ_from_exchange_to_exchange():
    found = set()
    for exchange in ("one", "two"):
        sequencer = Sequencer(exchange)
        for key in range(2):
            sequencer.call(key, "null", "f")
        events = sequencer.take()
        found |= {event.call_id for event in events if isinstance(event, ToolCallStart)}
    assert len(found) == 4
    assert all(name.isidentifier() for name in found)


def test_the_end_is_said_once_and_last():
    sequencer = Sequencer("exchange")
    sequencer.stop(Stop(StopReason.END, "stop"))
    sequencer.end()
    sequencer.end()
    sequencer.text("late")
    sequencer.fail(ERROR)
    events = sequencer.take()
    assert isinstance(events[-1], MessageEnd)
    assert sequencer.dropped == 1
