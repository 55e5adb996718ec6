"""What a hostile provider or client can make the gateway do is bounded, in time and in memory."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from providers.wire.call_ids import CallIds
from providers.wire.events import (
    Event,
    MessageEnd,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)
from providers.wire.fold import fold
from providers.wire.model import (
    Part,
    ReasoningPart,
    RefusalPart,
    Stop,
    StopReason,
    TextPart,
    ToolCallPart,
)
from providers.wire.sse import Splitter

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
