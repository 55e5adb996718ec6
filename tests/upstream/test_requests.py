"""Requests as they go out: in one piece or many, to an origin's kept connection or a new one."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys

import pytest

from providers.addresses import NameCache
from providers.errors import Unreachable, UpstreamFailure
from providers.http1 import WRITE_BYTES
from providers.origin import Origin
from providers.upstream import Upstream, UpstreamRequest
from providers.wire.envelope import Envelope
from routing.exchange import Exchange
from tests.chaos import Chaos, Cut, Data, Head, Stall, speech, whole
from tests.house import House, provider, rule
from tests.upstream.listening import Names, listening

ANSWER = speech.chat_body()
LONG = "x" * 10_000_000


def asking(port: int, path: str = "/v1", body: bytes = b"{}", **headers: str) -> UpstreamRequest:
    return UpstreamRequest(f"http://127.0.0.1:{port}{path}", headers, body, private=True)


async def test_a_long_request_arrives_whole_however_slowly_it_is_read(opening):
    async with opening(MAX_BODY_BYTES=2 * len(LONG)) as house:
        messages = [{"role": "user", "content": LONG}]
        assert (await house.chat(messages=messages)).status_code == 200
        assert (await house.seen()).json["messages"] == messages
        assert (await house.chat()).status_code == 200
        assert house.chaos.accepted == 1


@pytest.mark.parametrize("ends", [True, False], ids=["and hangs up", "and waits"])
async def test_who_answers_before_the_request_has_been_read_is_heard(opening, ends):
    """A server that finds a request too large says so at once, and reads no further."""
    refusal = speech.chat_error("too large")
    connections = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 No\r\ncontent-length: %d\r\n\r\n%b" % (len(refusal), refusal))
        await writer.drain()
        if ends:
            await asyncio.sleep(0.2)
            writer.close()

    async with listening(refuse) as port:
        providers = [provider("openai", f"http://127.0.0.1:{port}/v1", "sk-test")]
        changed = {"providers": providers, "rules": [rule("gpt", "gpt-*", ["openai"])]}
        async with opening(changed, MAX_BODY_BYTES=2 * len(LONG)) as house:
            for _ in range(2):
                response = await house.chat(messages=[{"role": "user", "content": LONG}])
                assert response.status_code == 413
                assert response.json()["error"]["message"] == "too large"
    assert len(connections) == 2, "what was not read would be taken for the next request"


async def test_a_request_is_what_its_parts_say(chaos: Chaos, upstream: Upstream):
    url = f"http://LOCALHOST:{chaos.port}/a b/ü/%2F?x=1&y=é"
    sent = UpstreamRequest(url, {"x-name": "grün"}, b'{"model": "gpt-test"}', private=True)
    reply = await upstream.send(sent)
    assert await reply.body(10_000)
    reply.close()
    seen = await chaos.seen()
    assert (seen.method, seen.path) == ("POST", "/a%20b/%C3%BC/%2F?x=1&y=%C3%A9")
    assert seen.headers == {
        "host": f"localhost:{chaos.port}",
        "x-name": "grün",
        "content-length": "21",
    }


@pytest.mark.parametrize(
    "value", ["a\r\nx-more: b", "a\nx-more: b", "a\rb", "a\0b", "日本"], ids=ascii
)
async def test_a_header_cannot_break_out_of_its_line(chaos: Chaos, upstream: Upstream, value):
    with pytest.raises(Unreachable, match="HTTP cannot carry"):
        await upstream.send(asking(chaos.port, x=value))
    assert chaos.accepted == 0


async def test_requests_side_by_side_have_connections_of_their_own_and_leave_them_to_others(
    house: House,
):
    answers = await asyncio.gather(*(house.chat() for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    first = house.chaos.accepted
    await asyncio.gather(*(house.chat() for _ in range(first)))
    assert house.chaos.accepted == first


async def test_where_one_kept_connection_was_closed_the_others_are_not_tried(house: House):
    """A balancer that forgot one forgot them all; the second attempt is the last."""
    await asyncio.gather(house.chat(), house.chat(), house.chat())
    kept = house.chaos.accepted
    house.chaos.on("gpt-test", lambda seen: [Cut()] if seen.connection <= kept else whole(ANSWER))
    assert (await house.chat()).content == ANSWER


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", b"no HTTP\r\n"]
)
async def test_a_request_that_failed_is_let_go_of_at_once(upstream: Upstream, said):
    """Its body may be large; nobody should wait for the garbage collector to find it."""

    async def fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(said)
        writer.close()

    async def ask(body: bytes) -> None:
        reply = await upstream.send(asking(port, body=body))
        try:
            await reply.body(100)
        finally:
            reply.close()

    async with listening(fail) as port:
        body = bytes(1000)
        gc.collect()
        gc.disable()
        try:
            before = sys.getrefcount(body)
            with pytest.raises(UpstreamFailure):
                await ask(body)
            await asyncio.sleep(0.01)
            assert sys.getrefcount(body) == before
        finally:
            gc.enable()


async def test_an_end_of_the_answer_is_not_waited_for_behind_what_was_not_read(upstream: Upstream):
    """It closed its side, so the answer is whole; the rest of the request is of no use to it."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 No\r\n\r\ntoo large")
        writer.write_eof()
        await asyncio.sleep(10)

    async with listening(refuse) as port, asyncio.timeout(2):
        reply = await upstream.send(asking(port, body=LONG.encode()))
        assert (reply.status, await reply.body(100)) == (413, b"too large")
        reply.close()


async def test_who_accepts_before_the_request_has_been_read_gets_the_rest_of_it(
    upstream: Upstream,
):
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n")
        read = len(await reader.readexactly(len(LONG)))
        writer.write(b"%d" % read)

    async with listening(accept) as port, asyncio.timeout(5):
        reply = await upstream.send(asking(port, body=LONG.encode()))
        assert await reply.body(100) == b"10000000"
        reply.close()
    assert upstream.connections == 1, "both sides were read to their end"


async def test_a_failed_request_of_the_gateway_leaves_nothing_for_the_collector(house: House):
    """What a failure holds on to, its traceback holds, and with it the body of the request."""
    house.chaos.on("gpt-test", whole(speech.chat_error("no"), 500))
    await house.chat()
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        await house.chat()
        await house.settled()
        gc.collect()
        assert not [found for found in gc.garbage if isinstance(found, Envelope | Exchange)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


async def test_a_connection_that_is_long_idle_is_closed(chaos: Chaos):
    origin = Origin(("127.0.0.1", chaos.port), NameCache(True), None, 1.0, keep_seconds=0.1)
    for _ in range(2):
        connection = await origin.connection()
        reply = await connection.ask(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n", b"{}")
        assert await reply.body(10_000)
        reply.close()
        assert origin.connections == 1
        async with asyncio.timeout(2):
            while origin.connections:  # noqa: ASYNC110 — it goes by the clock
                await asyncio.sleep(0.01)
    assert chaos.accepted == 2


async def test_a_provider_is_held_back_while_nobody_reads(chaos: Chaos, upstream: Upstream):
    """Else a fast provider and a slow client would fill the memory."""
    block, count = b"y" * 2**20, 32
    chaos.next([Head(), *[Data(block)] * count])
    reply = await upstream.send(asking(chaos.port))
    await asyncio.sleep(0.5)
    assert not (await chaos.seen()).over.is_set(), "it could write all of it"
    assert await reply.body(count * len(block)) == block * count
    reply.close()


async def test_what_a_provider_has_not_read_is_not_copied_into_a_buffer(upstream: Upstream):
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)

    async with listening(deaf) as port:
        task = asyncio.create_task(upstream.send(asking(port, body=b"z" * 50_000_000)))
        await asyncio.sleep(0.2)
        [origin] = upstream._origins.values()
        [connection] = origin._all
        assert connection._transport is not None
        assert 0 < connection._transport.get_write_buffer_size() <= 2 * WRITE_BYTES
        task.cancel()


async def test_who_leaves_while_a_request_is_written_is_gone_at_once(upstream: Upstream):
    ended = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.2)
        try:
            while await reader.read(2**20):
                pass
        except OSError:
            pass
        ended.set()
        writer.close()

    async with listening(deaf) as port:
        task = asyncio.create_task(upstream.send(asking(port, body=b"z" * 50_000_000)))
        await asyncio.sleep(0.1)
        task.cancel()
        async with asyncio.timeout(0.5):
            await ended.wait()
    assert upstream.connections == 0


async def test_of_the_addresses_of_a_name_the_one_that_answers_is_used(
    chaos: Chaos,
):
    """[::1] is asked first, and nothing listens there."""
    origin = Origin(("two.example", chaos.port), Names("::1", "127.0.0.1"), None, 1.0)
    connection = await origin.connection()
    assert connection.alive
    origin.close()


async def test_a_first_byte_is_not_waited_for_behind_a_full_packet(
    chaos: Chaos, upstream: Upstream
):
    """Nagle's algorithm would hold small writes back (RFC 896)."""
    reply = await upstream.send(asking(chaos.port))
    connection = reply._connection
    assert connection is not None
    assert connection._transport is not None
    sock = connection._transport.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    reply.close()


async def test_connections_at_work_are_cut_when_the_worker_ends(chaos: Chaos, upstream: Upstream):
    chaos.next([Head(), Data(ANSWER), Stall()])
    reply = await upstream.send(asking(chaos.port))
    assert await reply.chunk() == ANSWER
    await upstream.close()
    await (await chaos.seen()).leaving()
