"""The scripted upstream does what it is told and remembers what it saw."""

from __future__ import annotations

from time import monotonic

import httpx
import pytest

from tests.chaos import (
    Chaos,
    Cut,
    Data,
    Head,
    Reset,
    Stall,
    open_chaos,
    pieces,
    speech,
    stream,
    whole,
)

ASKED = {"model": "gpt-test", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
async def client():
    async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
        yield client


async def ask(chaos: Chaos, client: httpx.AsyncClient, **members) -> httpx.Response:
    return await client.post(f"{chaos.openai_url}/chat/completions", json={**ASKED, **members})


async def test_an_unscripted_model_is_answered_honestly_in_both_formats(client):
    async with open_chaos() as chaos:
        chat = await ask(chaos, client)
        message = await client.post(f"{chaos.url}/v1/messages", json={**ASKED, "stream": True})
    assert chat.json()["choices"][0]["message"]["content"] == speech.TEXT
    assert message.content == b"".join(speech.message_events())


async def test_it_counts_usage_in_a_stream_only_when_asked(client):
    async with open_chaos() as chaos:
        bare = await ask(chaos, client, stream=True)
        counted = await ask(chaos, client, stream=True, stream_options={"include_usage": True})
    assert b'"usage"' not in bare.content
    assert b'"usage"' in counted.content
    assert counted.content.endswith(speech.DONE)


async def test_queued_scripts_go_before_those_of_a_model(client):
    async with open_chaos() as chaos:
        chaos.on("gpt-test", whole(speech.chat_body("by model")))
        chaos.next(whole(speech.chat_error("busy"), 503, {"retry-after": "7"}))
        first, second = await ask(chaos, client), await ask(chaos, client)
    assert (first.status_code, first.headers["retry-after"]) == (503, "7")
    assert second.json()["choices"][0]["message"]["content"] == "by model"


async def test_a_kept_connection_serves_several_requests(client):
    async with open_chaos() as chaos:
        await ask(chaos, client)
        await ask(chaos, client)
        assert (chaos.accepted, len(chaos.requests)) == (1, 2)


async def test_a_cut_and_a_reset_break_the_body(client):
    async with open_chaos() as chaos:
        for end, error in ((Cut(), httpx.RemoteProtocolError), (Reset(), httpx.ReadError)):
            chaos.next(stream([b"data: {}\n\n"], then=[end]))
            with pytest.raises(error):
                await ask(chaos, client)


async def test_bytes_come_in_the_pieces_that_were_asked_for(client):
    async with open_chaos() as chaos:
        chaos.next([Head(), *pieces(b"0123456789", 3, pause=0.01)])
        async with client.stream("POST", chaos.url, content=b"") as response:
            chunks = [chunk async for chunk in response.aiter_raw()]
    assert chunks == [b"012", b"345", b"678", b"9"]


async def test_it_sees_when_its_client_leaves(client):
    async with open_chaos() as chaos:
        chaos.next([Head(), Data(b"some"), Stall()])
        async with client.stream("POST", chaos.url, content=b"") as response:
            await anext(response.aiter_raw())
        left = monotonic()
        assert abs(await (await chaos.seen()).leaving() - left) < 0.1


async def test_headers_and_body_are_kept_as_they_came(client):
    async with open_chaos() as chaos:
        await client.post(
            f"{chaos.openai_url}/chat/completions",
            content=b'{"model": "m",  "messages": []}',
            headers={"X-Test": "Yes"},
        )
        seen = await chaos.seen()
    assert seen.headers["x-test"] == "Yes"
    assert seen.body == b'{"model": "m",  "messages": []}'
