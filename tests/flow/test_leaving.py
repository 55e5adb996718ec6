"""A client leaves: the upstream sees it within 250 ms, and what was received is charged."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from providers.wire.prompt import IMAGE_TOKENS
from tests.chaos import Data, Head, Hold, Stall, speech, stream
from tests.house import CHAT, MESSAGES, OPENAI_SECRET, House, asked, provider, rule
from tests.rawclient import RawClient, post

MODELS = {CHAT: "gpt-test", MESSAGES: "claude-test"}
BEGUN = {CHAT: speech.chat_events()[:4], MESSAGES: speech.message_events()[:6]}
SOON = 0.25
LEAVING = {"FIN": RawClient.leave, "RST": RawClient.reset, "half-close": RawClient.half_close}


def request(house: House, path: str, streaming: bool) -> bytes:
    body = speech.compact(asked(MODELS[path], stream=streaming, max_tokens=9))
    return post(path, body, house.key)


@pytest.mark.parametrize("path", MODELS)
@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
async def test_leaving_in_mid_stream_cancels_the_upstream(house: House, path, leave):
    house.chaos.next(stream(BEGUN[path], then=[Stall()]))
    client = await house.connect()
    await client.send(request(house, path, True))
    await client.until(b"Hello")
    left = monotonic()
    leave(client)
    assert await (await house.seen()).leaving() - left < SOON
    record = await house.record()
    assert (record["outcome"], record["reason"]) == ("abandoned", "mid_stream")
    assert record["input_tokens"] > 0
    assert record["output_tokens"] > 0
    assert record["cost_nano"] > 0
    client.leave()


async def test_an_image_that_was_sent_is_not_charged_by_its_bytes(house: House):
    house.chaos.next(stream(BEGUN[CHAT], then=[Stall()]))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}
    messages = [{"role": "user", "content": [image]}]
    client = await house.connect()
    body = speech.compact(asked("gpt-test", stream=True, messages=messages))
    await client.send(post(CHAT, body, house.key))
    await client.until(b"Hello")
    client.leave()
    assert IMAGE_TOKENS < (await house.record())["input_tokens"] < IMAGE_TOKENS + 100


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("steps", [[Stall()], [Head(), Stall()]], ids=["silence", "headers"])
@pytest.mark.parametrize("leave", [RawClient.leave, RawClient.reset], ids=["FIN", "RST"])
async def test_leaving_before_any_content_cancels_the_upstream(house, streaming, steps, leave):
    house.chaos.next(steps)
    client = await house.connect()
    await client.send(request(house, CHAT, streaming))
    seen = await house.seen()
    await asyncio.sleep(0.02)
    left = monotonic()
    leave(client)
    assert await seen.leaving() - left < SOON
    record = await house.record()
    assert (record["outcome"], record["reason"]) == ("abandoned", "before_content")
    assert record["input_tokens"] > 0
    assert record["output_tokens"] == 0


async def test_leaving_before_the_body_is_complete_leaves_nothing(house: House):
    client = await house.connect()
    await client.send(request(house, CHAT, False)[:-5])
    await asyncio.sleep(0.05)
    client.leave()
    await house.settled()
    assert not house.chaos.requests


async def test_what_a_messages_stream_had_reported_is_charged_as_reported(house: House):
    """Messages says what the prompt cost at its beginning, so that much is known."""
    house.chaos.next(stream(BEGUN[MESSAGES], then=[Stall()]))
    client = await house.open_stream(MESSAGES, "claude-test")
    await client.until(b"Hello")
    client.leave()
    record = await house.record()
    assert record["input_tokens"] == 11
    assert record["usage_source"] in ("observed", "estimated")


async def test_leaving_after_the_last_byte_is_no_leaving(house: House):
    for _ in range(20):
        client = await house.open_stream()
        await client.until(b"0\r\n\r\n")
        client.reset()
    assert {record["outcome"] for record in await house.records()} == {"completed"}


async def test_a_client_that_does_not_read_is_cut_off_and_holds_the_upstream_back(opening):
    async with opening(CLIENT_STALL_SECONDS=0.3, send_buffer=8192) as house:
        big = speech.chat_chunk({"content": "x" * 60_000})
        house.chaos.next(stream([big] * 400))
        client = await house.connect(receive_buffer=4096)
        await client.send(request(house, CHAT, True))
        await (await house.seen()).leaving()
        record = await house.record()
        assert (record["outcome"], record["reason"]) == ("failed", "client_too_slow")
        assert record["response_bytes"] < 20 * 60_000
        client.leave()


async def test_a_slow_reader_that_reads_on_gets_everything(opening):
    async with opening(CLIENT_STALL_SECONDS=1, send_buffer=8192) as house:
        big = speech.chat_chunk({"content": "x" * 60_000})
        house.chaos.next(stream([big] * 20 + [speech.chat_chunk({}, "stop"), speech.DONE]))
        client = await house.connect(receive_buffer=4096)
        await client.send(request(house, CHAT, True))
        await asyncio.sleep(0.3)
        answer = await client.answer()
        assert answer.complete
        assert answer.body.count(b"x" * 60_000) == 20
        client.leave()


async def test_many_clients_leave_at_once_and_nothing_is_left_behind(house: House):
    gate = asyncio.Event()
    house.chaos.on("gpt-test", stream(BEGUN[CHAT], then=[Hold(gate), Data(speech.DONE)]))
    clients = [await house.open_stream() for _ in range(40)]
    for number, client in enumerate(clients):
        (client.leave if number % 2 else client.reset)()
    records = await house.records()
    assert len(records) == 40
    assert {record["reason"] for record in records} == {"mid_stream"}


@pytest.mark.parametrize(
    ("steps", "reason"),
    [([Stall()], "before_content"), (stream(BEGUN[CHAT], then=[Stall()]), "mid_stream")],
    ids=["before content", "mid-stream"],
)
async def test_a_deadline_that_passes_as_the_client_leaves_asks_nobody_else(
    opening, chaos, steps, reason
):
    """Both end the same wait: the task hears of them at once, and has a client no more."""
    providers = [
        provider("openai", chaos.openai_url, OPENAI_SECRET, name=name)
        for name in ("first", "second")
    ]
    rules = [rule("gpt", "gpt-*", ["first", "second"])]
    async with opening({"providers": providers, "rules": rules}) as house:
        chaos.next(steps)
        client = await house.connect()
        await client.send(request(house, CHAT, True))
        await house.seen()
        if reason == "mid_stream":
            await client.until(b"Hello")
        await asyncio.sleep(0.05)
        [connection] = house.served.state.connections
        [deadline] = house.runtime._sweeper.live
        connection.transport.abort()
        deadline.interrupt("timeout_idle")
        record = await house.record()
        assert (record["outcome"], record["reason"]) == ("abandoned", reason)
        assert len(chaos.requests) == 1
        client.leave()


async def test_an_answer_that_the_process_s_end_cuts_off_is_not_put_down_to_its_client(opening):
    """All of it was written, and waits for the client to read, when the process goes down."""
    async with opening(send_buffer=8192) as house:
        text = speech.chat_chunk({"content": "x" * 150_000})
        house.chaos.next(stream([text + speech.chat_chunk({}, "stop") + speech.DONE]))
        client = await house.connect(receive_buffer=4096)
        await client.send(request(house, CHAT, True))
        await client.until(b"xxx")
        await asyncio.sleep(0.1)
        house.runtime.cut()
        record = await house.record()
        assert (record["outcome"], record["reason"]) == ("failed", "drain_cut")
        client.leave()
