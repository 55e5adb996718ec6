"""What a hostile provider or client can make the gateway do is bounded, in time and in memory."""

from __future__ import annotations

import itertools
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from providers.wire.call_ids import CallIds
from providers.wire.codec import MOST_LOSSES, AnswerHead
from providers.wire.errors import BadAnswer
from providers.wire.events import (
    Event,
    MessageEnd,
    PartEnd,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)
from providers.wire.fold import fold
from providers.wire.linearizer import Linearizer
from providers.wire.model import (
    Part,
    ReasoningPart,
    RefusalPart,
    Stop,
    StopReason,
    TextPart,
    ToolCallPart,
)
from providers.wire.openai_chat.encoder import ChatEncoder
from providers.wire.sequencer import Sequencer
from providers.wire.sse import Splitter
from tests.wire.pieces import START, closed, opened
from tests.wire.talk import CHAT, lane

SMALL_READ = 100
ENDS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """CPU time of ours. The bounds leave much room: work that grows by the square is far above."""
    began = time.process_time()
    yield
    assert time.process_time() - began < seconds


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_large_event_in_small_reads_is_searched_once(end: bytes):
    event = b"data: x" + end + b"x" * 900_000 + end
    splitter = Splitter()
    with within(3):
        blocks = [
            block
            for start in range(0, len(event), SMALL_READ)
            for block in splitter.feed(event[start : start + SMALL_READ])
        ]
        blocks += splitter.feed(end) + splitter.feed(b":" + end)
    assert blocks == [event + end]


def test_a_blank_line_that_goes_on_and_on_is_searched_once():
    splitter = Splitter()
    splitter.feed(b"a\r\nb\n" + b"x" * 500_000)
    with within(3):
        for _ in range(200_000):
            assert splitter.feed(b"\r") == []
    assert len(splitter.feed(b"y")) == 1


PIECES = 400_000
PIECE = "sixteen letters."
LONG = PIECE * PIECES


@pytest.mark.parametrize(
    ("begin", "piece", "part"),
    [
        ([], TextDelta(0, PIECE), TextPart(LONG)),
        ([], ReasoningDelta(0, PIECE), ReasoningPart(LONG)),
        ([], RefusalDelta(0, PIECE), RefusalPart(LONG)),
        ([ToolCallStart(0, "id", "a")], ToolCallDelta(0, PIECE), ToolCallPart("id", "a", LONG)),
    ],
)
def test_an_answer_of_many_pieces_is_put_together_once(
    begin: list[Event], piece: Event, part: Part
):
    events = [*begin, *[piece] * PIECES, MessageEnd(Stop(StopReason.END, "stop"))]
    with within(3):
        parts = fold(events).parts
    assert parts == [part]


def test_ids_that_look_alike_cost_no_more_than_others_and_stay_apart():
    alike = ["x" + "".join(signs) for signs in itertools.product(".:;,", repeat=7)]
    ids = CallIds(40)
    with within(3):
        sent = [ids.of(call_id) for call_id in alike]
    assert len(set(sent)) == len(alike)
    assert max(map(len, sent)) <= 40
    assert sent == [ids.of(call_id) for call_id in alike]


def test_the_arguments_of_all_calls_have_one_bound():
    sequencer = Sequencer("id")
    for number in range(8):
        sequencer.call(number, f"call_{number}", "tool")
        sequencer.arguments(number, "x" * 2**20)
    sequencer.call("last", "call_last", "tool")
    with pytest.raises(BadAnswer):
        sequencer.arguments("last", "x")


def test_arguments_that_may_be_complete_are_read_a_few_times_only():
    """Each new part asks whether the calls before it are complete."""
    sequencer = Sequencer("id")
    sequencer.call("first", "call", "tool")
    sequencer.arguments("first", '{"a":[' + "1," * 3_500_000)
    with within(3):
        for number in range(250):
            sequencer.arguments("first", "{}")
            sequencer.text("x", key=number)


def test_many_small_pieces_that_have_to_wait_are_counted_by_what_they_take():
    linearizer = Linearizer()
    linearizer.feed([ToolCallStart(0, "call", "tool")])
    with pytest.raises(BadAnswer):
        linearizer.feed([TextDelta(1, "x")] * 200_000)


def test_thoughts_are_kept_no_longer_than_their_part():
    """They are kept for a signature, which ends a part or never comes."""
    encoder = ChatEncoder(AnswerHead("exchange", 1, "model", True, []))
    tracemalloc.start()
    try:
        for number in range(100):
            encoder.encode([ReasoningDelta(number, "x" * 100_000 + str(number)), PartEnd(number)])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1_000_000


def test_thoughts_without_end_are_refused():
    encoder = ChatEncoder(AnswerHead("exchange", 1, "model", True, []))
    with pytest.raises(BadAnswer):
        encoder.encode([ReasoningDelta(0, "x" * 2**20)] * 9)


def test_what_an_answer_loses_is_told_up_to_a_number_and_in_short_words():
    way = lane(CHAT)
    way.feed(START)
    for number in range(500):
        way.feed(opened(0, type=f"{number}_new_tool" * 100))
    assert 0 < len(way.losses) <= MOST_LOSSES
    assert max(len(loss.reason) for loss in way.losses) < 200


def test_what_an_answer_loses_again_is_told_once():
    way = lane(CHAT)
    way.feed(START)
    for number in range(3):
        way.feed(opened(number, type="new_tool") + closed(number))
    assert len(way.losses) == 1
