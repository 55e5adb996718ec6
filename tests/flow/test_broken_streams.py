"""A stream that breaks after its first content ends in an error event, never in a clean end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.chaos import Cut, Data, Raw, Reset, Stall, Step, speech, stream
from tests.house import CHAT, MESSAGES, House, asked

MODELS = {CHAT: "gpt-test", MESSAGES: "claude-test"}
EVENTS = {CHAT: speech.chat_events(), MESSAGES: speech.message_events()}
BEGUN = {CHAT: EVENTS[CHAT][:4], MESSAGES: EVENTS[MESSAGES][:6]}
BROKEN = b"data: {broken\n\n"

BREAKS = {
    "cut": ([Cut()], "upstream_truncated"),
    "reset": ([Reset()], "upstream_truncated"),
    "a clean end without the end mark": ([], "upstream_truncated"),
    "bad framing": ([Raw(b"zz\r\nrubbish\r\n")], "upstream_invalid"),
    "silence": ([Stall()], "timeout_idle"),
    "an endless event": ([Data(b"data: " + b"x" * 2**20), Data(b"x" * 100)], "upstream_invalid"),
    "nothing but broken events": ([Data(BROKEN)] * 6, "upstream_invalid"),
}
ENDS = {CHAT: b"[DONE]", MESSAGES: b"message_stop"}


async def broken(house: House, path: str, then: list[Step]) -> tuple[bytes, Any]:
    """The bytes that a client gets of a stream that breaks, and its last event."""
    house.chaos.next(stream(BEGUN[path], pause=0.002, then=then))
    body = asked(MODELS[path], stream=True, max_tokens=9)
    response = await house.client.post(path, json=body)
    assert response.status_code == 200
    last = response.content.rstrip().split(b"\n\n")[-1]
    return response.content, json.loads(last.partition(b"data: ")[2])


@pytest.fixture
async def brisk(opening):
    async with opening(IDLE_SECONDS=0.4) as house:
        yield house


@pytest.mark.parametrize("path", MODELS)
@pytest.mark.parametrize(("then", "reason"), BREAKS.values(), ids=BREAKS)
async def test_it_ends_in_an_error_event_of_the_client_s_format(brisk, path, then, reason):
    content, last = await broken(brisk, path, then)
    assert content.startswith(b"".join(BEGUN[path]))
    assert ENDS[path] not in content
    assert last["error"]["message"]
    record = await brisk.record()
    assert (record["outcome"], record["reason"], record["status"]) == ("failed", reason, 200)
    assert record["output_tokens"] > 0
    assert record["cost_nano"] > 0


async def test_the_error_chunk_of_chat_completions_also_stops_a_simple_reader(house: House):
    _, last = await broken(house, CHAT, [Cut()])
    assert last["choices"][0]["finish_reason"] == "error"
    assert last["error"]["code"] == "stream_interrupted"


async def test_the_error_event_of_messages_carries_the_request_id(house: House):
    content, last = await broken(house, MESSAGES, [Cut()])
    assert b"event: error\n" in content
    assert last["type"] == "error"
    assert last["request_id"] == str((await house.record())["exchange_id"])


@pytest.mark.parametrize("path", MODELS)
async def test_an_error_event_of_the_provider_ends_it_and_its_end_mark_is_not_passed_on(
    house, path
):
    fault = {
        CHAT: b"data: " + speech.chat_error("the model fell over") + b"\n\n",
        MESSAGES: b"event: error\ndata: "
        + speech.message_error("the model fell over", "overloaded_error")
        + b"\n\n",
    }[path]
    content, last = await broken(house, path, [Data(fault), Data(EVENTS[path][-1])])
    assert last["error"]["message"] == "the model fell over"
    assert ENDS[path] not in content
    assert (await house.record())["outcome"] == "failed"


async def test_one_event_that_is_no_json_is_left_out_and_counted_against_nobody(house: House):
    events = speech.chat_events(usage=None)
    house.chaos.next(stream([*events[:3], BROKEN, *events[3:]]))
    response = await house.chat(stream=True)
    assert response.content == b"".join(events)
    assert (await house.record())["outcome"] == "completed"


async def test_what_follows_the_end_mark_is_not_passed_on(house: House):
    events = speech.chat_events(usage=None)
    house.chaos.next(stream([*events, events[2], speech.DONE]))
    response = await house.chat(stream=True)
    assert response.content == b"".join(events)


async def test_a_body_that_does_not_end_after_the_end_mark_costs_nobody_the_answer(house: House):
    house.chaos.next(stream(speech.message_events(), then=[Stall()]))
    response = await house.message(stream=True)
    assert response.content == b"".join(speech.message_events())
    assert (await house.record())["outcome"] == "completed"


async def test_an_end_mark_that_never_came_is_forgiven_where_the_stop_reason_did(house: House):
    """Some servers leave [DONE] out; the answer is whole all the same."""
    events = speech.chat_events(usage=None)[:-1]
    house.chaos.next(stream(events))
    response = await house.chat(stream=True)
    assert response.content == b"".join(events)
    assert (await house.record())["outcome"] == "completed"


async def test_a_stream_slower_than_its_total_but_never_idle_goes_on(opening):
    async with opening(TOTAL_SECONDS=0.1, IDLE_SECONDS=0.5) as house:
        house.chaos.next(stream(speech.chat_events(usage=None), pause=0.03))
        response = await house.chat(stream=True)
    assert response.content.endswith(speech.DONE)
