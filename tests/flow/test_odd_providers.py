"""Providers that do what HTTP allows, and what it does not: the client gets an answer or a sentence."""

from __future__ import annotations

import gzip
import socket
from contextlib import ExitStack

import pytest

from providers.errors import Unreachable
from providers.upstream import Upstream, UpstreamRequest
from tests.chaos import Cut, Data, Head, Raw, Stall, Wait, pieces, speech, stream, whole
from tests.house import OPENAI_SECRET, House, provider, rule

ANSWER = speech.chat_body()


async def test_interim_answers_before_the_real_one_are_passed_over(house: House):
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    house.chaos.next([Raw(hints), *whole(ANSWER)])
    assert (await house.chat()).content == ANSWER


async def test_an_answer_that_ends_with_its_connection_is_whole(house: House):
    head = Head(headers={"content-type": "application/json"}, framing="close")
    house.chaos.next([head, Data(ANSWER)])
    assert (await house.chat()).content == ANSWER


async def test_an_answer_that_comes_in_pieces_is_put_together(house: House):
    head = Head(headers={"content-type": "application/json"})
    house.chaos.next([head, *pieces(ANSWER, 10, pause=0)])
    response = await house.chat()
    assert response.content == ANSWER
    assert response.headers["content-length"] == str(len(ANSWER))


async def test_an_answer_that_drips_is_ended_by_the_total(opening):
    async with opening(TOTAL_SECONDS=0.2) as house:
        house.chaos.next([Head(framing=len(ANSWER)), *pieces(ANSWER, 5, pause=0.02)])
        response = await house.chat()
        assert response.status_code == 504
        assert (await house.record())["reason"] == "timeout_total"


async def test_headers_that_drip_are_ended_by_the_first_content_s_deadline(opening):
    async with opening(FIRST_CONTENT_SECONDS=0.2) as house:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
        steps = [step for byte in head for step in (Raw(bytes([byte])), Wait(0.02))]
        house.chaos.next(steps)
        response = await house.chat(stream=True)
        assert response.status_code == 504
        assert (await house.record())["reason"] == "timeout_first"


@pytest.mark.parametrize("status", [200, 500])
async def test_a_compressed_answer_that_nobody_asked_for_is_not_passed_on(house: House, status):
    body = gzip.compress(ANSWER)
    house.chaos.next(whole(body, status, {"content-encoding": "gzip"}))
    response = await house.chat()
    assert response.status_code == 502
    assert (await house.seen()).headers["accept-encoding"] == "identity"
    message = response.json()["error"]["message"]
    assert "\ufffd" not in message


async def test_an_answer_larger_than_is_taken_is_a_502(opening):
    async with opening(MAX_ANSWER_BYTES=10_000) as house:
        house.chaos.next(whole(speech.chat_body("x" * 2_000_000)))
        response = await house.chat()
        assert response.status_code == 502
        assert "larger than 10000 bytes" in response.json()["error"]["message"]


async def test_a_stream_may_be_larger_than_that(opening):
    async with opening(MAX_ANSWER_BYTES=10_000) as house:
        events = [speech.chat_chunk({"content": "x" * 1000})] * 50
        events += [speech.chat_chunk({}, "stop"), speech.DONE]
        house.chaos.next(stream(events))
        response = await house.chat(stream=True)
    assert response.content == b"".join(events)


async def test_an_error_page_larger_than_is_taken_is_still_that_error(house: House):
    page = b"<html>" + b"x" * 2**21
    house.chaos.next(whole(page, 503, {"content-type": "text/html"}))
    response = await house.chat()
    assert response.status_code in (502, 503)
    assert len(response.content) < 1000


@pytest.mark.parametrize("then", [Cut(), Stall()], ids=["is cut", "never comes"])
async def test_a_refusal_is_one_though_its_body_breaks_off(house: House, then):
    """Its status and how long to wait are in the head, which came whole."""
    headers = {"content-type": "application/json", "retry-after": "7"}
    house.chaos.next([Head(429, headers, 500), Data(b'{"error": {"mess'), then])
    response = await house.chat()
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert (await house.record())["reason"] == "upstream_rate_limited"


async def test_a_connection_that_is_not_accepted_in_time_falls_over(opening, chaos):
    """The backlog of a listener that accepts nobody is filled; further connections wait."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        deaf = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        providers = [
            provider("openai", deaf, OPENAI_SECRET, name="first"),
            provider("openai", chaos.openai_url, OPENAI_SECRET, name="second"),
        ]
        rules = [rule("gpt", "gpt-*", ["first", "second"])]
        changed = {"providers": providers, "rules": rules}
        async with opening(changed, CONNECT_SECONDS=0.3) as house:
            assert (await house.chat()).status_code == 200
            record = await house.record()
    assert [attempt["reason"] for attempt in record["attempts"]] == ["timeout_connect", "ok"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_private_address_is_not_connected_to_unless_that_is_allowed(chaos, host):
    """Whatever the configuration was told: names are judged as they resolve, addresses as they are."""
    upstream = Upstream(1.0)
    try:
        asked = UpstreamRequest(f"http://{host}:{chaos.port}/v1/models", {}, b"{}", False)
        with pytest.raises(Unreachable, match="not a public"):
            await upstream.send(asked)
        assert chaos.accepted == 0
        allowed = asked._replace(url=f"{chaos.url}/v1/models", private=True)
        reply = await upstream.send(allowed)
        assert (reply.status, await reply.body(10_000)) != (0, b"")
        reply.close()
    finally:
        await upstream.close()


async def test_a_name_that_leads_nowhere_is_a_502(opening):
    nowhere = provider("openai", "https://nothing.invalid/v1", OPENAI_SECRET)
    changed = {"providers": [nowhere], "rules": [rule("gpt", "gpt-*", ["openai"])]}
    async with opening(changed) as house:
        response = await house.chat()
    assert response.status_code == 502
    assert "does not resolve" in response.json()["error"]["message"]


async def test_the_proxy_of_the_environment_is_not_used(house: House, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    assert (await house.chat()).status_code == 200
