"""What HTTP/1.1 allows a client to do, and a page of another origin to ask."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos import Data, Hold, speech, stream
from tests.house import CHAT, House, asked
from tests.rawclient import post, request

BODY = speech.compact(asked("gpt-test"))
BROKEN = b"{}"


async def test_three_pipelined_requests_are_answered_in_order(house: House):
    client = await house.connect()
    bodies = (BODY, BROKEN, BODY)
    await client.send(b"".join(post(CHAT, body, house.key) for body in bodies))
    statuses = [(await client.answer()).status for _ in bodies]
    assert statuses == [200, 400, 200]
    client.leave()


async def test_one_connection_serves_streams_refusals_and_answers_in_turn(house: House):
    client = await house.connect()
    for body, status in ((BODY, 200), (BROKEN, 400), (_streamed(), 200), (BODY, 200)):
        await client.send(post(CHAT, body, house.key))
        answer = await client.answer()
        assert (answer.status, answer.complete) == (status, True)
    client.leave()


async def test_a_body_in_small_chunks_is_put_together(house: House):
    head = {"host": "x", "transfer-encoding": "chunked", "authorization": f"Bearer {house.key}"}
    client = await house.connect()
    await client.send(request("POST", CHAT, head))
    for start in range(0, len(BODY), 7):
        part = BODY[start : start + 7]
        await client.send(b"%x\r\n%b\r\n" % (len(part), part))
    await client.send(b"0\r\n\r\n")
    assert (await client.answer()).status == 200
    assert (await house.seen()).body == BODY
    client.leave()


async def test_a_client_that_asks_before_it_sends_is_told_to_go_on(house: House):
    client = await house.connect()
    content = post(CHAT, BODY, house.key, {"expect": "100-continue"})
    head, _, body = content.partition(b"\r\n\r\n")
    await client.send(head + b"\r\n\r\n")
    assert (await client.head())[0] == 100
    await client.send(body)
    assert (await client.answer()).status == 200
    client.leave()


async def test_a_head_request_leaves_the_connection_usable(house: House):
    client = await house.connect()
    await client.send(request("HEAD", "/livez", {"host": "x"}))
    assert (await client.answer(head=True)).status == 200
    await client.send(request("GET", "/livez", {"host": "x"}))
    assert (await client.answer()).json == {"status": "ok"}
    client.leave()


async def test_a_large_body_goes_through_unchanged(house: House):
    body = speech.compact(asked("gpt-test", padding="x" * 5_000_000))
    answer = await house.say(post(CHAT, body, house.key))
    assert answer.status == 200
    assert (await house.seen()).body == body


async def test_the_host_is_not_checked_on_client_paths(house: House):
    answer = await house.say(post(CHAT, BODY, house.key, {"host": "anything.example"}))
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_probes_answer_without_a_key(house: House, path):
    answer = await house.say(request("GET", path, {"host": "x"}))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"


async def test_readiness_says_no_while_the_process_goes_down_but_requests_are_served(house: House):
    house.runtime.begin_drain()
    answer = await house.say(request("GET", "/readyz", {"host": "x"}))
    assert answer.status == 503
    assert answer.json["checks"]["draining"]["ok"] is False
    assert (await house.chat()).status_code == 200


async def test_the_cut_ends_a_stream_with_an_error_event_and_takes_nothing_new(house: House):
    gate = asyncio.Event()
    events = speech.chat_events()
    house.chaos.next([*stream(events[:3]), Hold(gate), *map(Data, events[3:])])
    client = await house.open_stream()
    await client.until(b"Hello")
    house.runtime.cut()
    assert b'"code":"drain_cut"' in await client.until(b"0\r\n\r\n")
    answer = await house.say(post(CHAT, BODY, house.key))
    assert (answer.status, answer.json["error"]["code"]) == (503, "draining")
    assert (await house.record())["reason"] == "drain_cut"
    client.leave()


ORIGIN = "https://app.example"
PREFLIGHT = {
    "host": "x",
    "origin": ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, content-type",
}


async def test_a_page_of_a_listed_origin_may_call(opening):
    async with opening(CORS_ORIGINS=[ORIGIN]) as house:
        asked_first = await house.say(request("OPTIONS", CHAT, PREFLIGHT))
        assert asked_first.status == 204
        assert asked_first.headers["access-control-allow-origin"] == ORIGIN
        assert asked_first.headers["access-control-allow-headers"] == "authorization, content-type"
        answer = await house.say(post(CHAT, BODY, house.key, {"origin": ORIGIN}))
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-expose-headers"] == "x-request-id"


async def test_a_page_of_another_origin_gets_no_permission(opening):
    async with opening(CORS_ORIGINS=[ORIGIN]) as house:
        other = PREFLIGHT | {"origin": "https://evil.example"}
        assert (await house.say(request("OPTIONS", CHAT, other))).status == 405
        answer = await house.say(post(CHAT, BODY, house.key, {"origin": "https://evil.example"}))
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "origin"


def _streamed() -> bytes:
    return speech.compact(asked("gpt-test", stream=True))


@pytest.mark.parametrize("known", [True, False], ids=["413", "401"])
async def test_a_client_that_writes_all_before_it_reads_hears_the_refusal(opening, known):
    """A close with bytes unread would reset the connection under such a client's hands."""
    async with opening(MAX_BODY_BYTES=100_000) as house:
        client = await house.connect()
        await client.send(post(CHAT, b"x" * 20_000_000, house.key if known else ""))
        answer = await client.answer()
        assert answer.status == (413 if known else 401)
        assert answer.headers["connection"] == "close"
        assert await client.closed()
        client.leave()


async def test_a_refused_body_that_does_not_come_is_not_waited_for(house: House):
    client = await house.connect()
    await client.send(post(CHAT, b"x" * 10, "", {"content-length": "100"}))
    assert (await client.answer()).status == 401
    assert await client.closed()
    client.leave()


async def test_a_chunk_that_is_none_is_refused_in_words(house: House):
    head = {"host": "x", "transfer-encoding": "chunked", "authorization": f"Bearer {house.key}"}
    answer = await house.say(request("POST", CHAT, head) + b"nonsense\r\n{}\r\n")
    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_http")
    assert answer.headers["connection"] == "close"
