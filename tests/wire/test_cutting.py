"""However the bytes are cut and whatever ends their lines, the same is read from them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.wire.codec import WireFormat
from providers.wire.events import Event
from providers.wire.registry import CODECS
from providers.wire.sequencer import Sequencer
from providers.wire.sse import Splitter, parse
from providers.wire.watch import Sight
from tests.chaos import speech
from tests.wire.talk import CHAT, MESSAGES

CALLS = [("call_1", "weather", {"city": "Zürich", "sky": "☂\u2028"}), ("call_2", "time", {})]
STREAMS = {
    CHAT: b": a comment\n\n"
    + b"".join(speech.chat_events(calls=CALLS, thinking="Mal sehen … ja.")),
    MESSAGES: b"".join(speech.message_events(calls=CALLS, thinking="Mal sehen … ja.")),
}
ENDS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}

cuttings = st.lists(st.integers(min_value=0, max_value=5000), max_size=40)


def cut(content: bytes, places: list[int]) -> Iterator[bytes]:
    inside = sorted({place % (len(content) + 1) for place in places} | {0, len(content)})
    return (content[start:end] for start, end in pairwise(inside))


def blocks_in(chunks: Iterator[bytes]) -> list[bytes]:
    splitter = Splitter()
    blocks = [block for chunk in chunks for block in splitter.feed(chunk)]
    rest = splitter.flush()
    return [*blocks, rest] if rest else blocks


def events_in(wire_format: WireFormat, chunks: Iterator[bytes]) -> list[Event]:
    sequencer = Sequencer("id")
    decoder = CODECS[wire_format].decoder(sequencer)
    for block in blocks_in(chunks):
        decoder.read(block)
    return sequencer.take()


def sights_in(wire_format: WireFormat, chunks: Iterator[bytes]) -> tuple[list[Sight], object]:
    watcher = CODECS[wire_format].watcher()
    sights = [watcher.event(block) for block in blocks_in(chunks)]
    return sights, (watcher.usage, watcher.output_bytes, watcher.finish, watcher.response_id)


@pytest.fixture(params=STREAMS, ids=lambda name: name.value)
def wire_format(request) -> WireFormat:
    found: WireFormat = request.param
    return found


@pytest.fixture(params=[*ENDS.values()], ids=[*ENDS])
def end(request) -> bytes:
    found: bytes = request.param
    return found


def test_a_cut_at_any_byte_changes_nothing(wire_format, end):
    content = STREAMS[wire_format].replace(b"\n", end)
    events = events_in(wire_format, iter([STREAMS[wire_format]]))
    assert len(events) > 10
    for place in range(len(content) + 1):
        assert events_in(wire_format, cut(content, [place])) == events, place


def test_byte_by_byte_changes_nothing(wire_format, end):
    content = STREAMS[wire_format].replace(b"\n", end)
    single = (content[n : n + 1] for n in range(len(content)))
    assert events_in(wire_format, single) == events_in(wire_format, iter([STREAMS[wire_format]]))


@settings(max_examples=2000)
@given(
    places=cuttings, end=st.sampled_from([*ENDS.values()]), wire_format=st.sampled_from([*STREAMS])
)
def test_random_cuttings_change_nothing(places, end, wire_format):
    content = STREAMS[wire_format].replace(b"\n", end)
    whole = iter([STREAMS[wire_format]])
    assert b"".join(blocks_in(cut(content, places))) == content
    assert events_in(wire_format, cut(content, places)) == events_in(wire_format, whole)


@settings(max_examples=300)
@given(places=cuttings, wire_format=st.sampled_from([*STREAMS]))
def test_random_cuttings_change_nothing_for_who_only_watches(places, wire_format):
    content = STREAMS[wire_format]
    assert sights_in(wire_format, cut(content, places)) == sights_in(wire_format, iter([content]))


@settings(max_examples=500)
@given(
    lines=st.lists(
        st.tuples(
            st.sampled_from([b"data: x", b"event: y", b": z", b""]),
            st.sampled_from([*ENDS.values()]),
        )
    ),
    places=cuttings,
)
def test_line_ends_may_be_mixed(lines, places):
    """A CR and the LF after it are one line end, also when they came from two lines."""
    content = b"".join(line + end for line, end in lines)
    expected = [found for found in map(parse, blocks_in(iter([content]))) if any(found)]
    found = [found for found in map(parse, blocks_in(cut(content, places))) if any(found)]
    assert b"".join(blocks_in(cut(content, places))) == content
    assert found == expected


@given(st.binary(max_size=300), cuttings)
def test_no_bytes_are_ever_lost_or_made_up(content, places):
    whole = b"".join(blocks_in(cut(content, places)))
    assert whole == content or whole == content.removeprefix(b"\xef\xbb\xbf")


@given(st.binary(max_size=300), st.sampled_from([*STREAMS]))
def test_nonsense_is_read_without_a_defect(content, wire_format):
    watcher = CODECS[wire_format].watcher()
    decoder = CODECS[wire_format].decoder(Sequencer("id"))
    watcher.event(b"data: " + content + b"\n\n")
    decoder.read(b"data: " + content + b"\n\n")
