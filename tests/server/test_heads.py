"""Bounds on the head of a request: too large is 431 in the client's own format, too slow is closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from proxyproject.connection import HEAD_SECONDS, Connection
from tests.rawclient import RawClient, request
from tests.server.process import running

HOST = {"host": "gateway"}


class Listening(NamedTuple):
    port: int
    state: ServerState
    gate: asyncio.Event

    @property
    def connections(self) -> set[Any]:
        return set(self.state.connections)


@asynccontextmanager
async def listening() -> AsyncIterator[Listening]:
    """An application of one line behind our connections; `/held` waits in mid-answer for the gate."""
    gate = asyncio.Event()

    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/held":
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            await gate.wait()
        await send({"type": "http.response.body", "body": b"done"})

    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, log_level="critical")
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, state, {}), "127.0.0.1", 0)
    try:
        yield Listening(server.sockets[0].getsockname()[1], state, gate)
    finally:
        gate.set()
        server.close()
        for connection in tuple(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0.01)


@pytest.fixture
async def place() -> AsyncIterator[Listening]:
    async with listening() as place:
        yield place


@pytest.fixture
async def client(place) -> AsyncIterator[RawClient]:
    client = await RawClient.connect(place.port)
    yield client
    client.leave()


def fields(count: int) -> dict[str, str]:
    return {**HOST, **{f"x-{number}": "1" for number in range(count - 1)}}


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(request("GET", "/", {**HOST, "x-big": "a" * 60_000}), id="60 KB"),
        pytest.param(request("GET", "/", fields(100)), id="100 fields"),
        pytest.param(request("GET", "/" + "a" * 60_000, HOST), id="a path of 60 KB"),
    ],
)
async def test_a_head_within_the_bounds_passes(head, client):
    await client.send(head)
    assert (await client.answer()).body == b"done"


TOO_LARGE = [
    pytest.param(request("GET", "/", {**HOST, "x-big": "a" * 70_000}), id="70 KB"),
    pytest.param(request("GET", "/", fields(101)), id="101 fields"),
    pytest.param(request("GET", "/" + "a" * 70_000, HOST), id="a path of 70 KB"),
    pytest.param(b"GET / HTTP/1.1\r\nx-big: " + b"a" * 70_000, id="70 KB that do not end"),
    pytest.param(b"GET / HTTP/1.1\r\nx-big: " + b"a" * 5_000_000, id="5 MB that do not end"),
    pytest.param(b"\r\n" * 40_000, id="nothing but line ends"),
]


@pytest.mark.parametrize("head", TOO_LARGE)
async def test_a_head_beyond_the_bounds_gets_431_and_is_closed(head, client):
    sending = asyncio.get_running_loop().create_task(client.send(head))
    answer = await client.answer()
    assert answer.status == 431
    assert answer.headers["connection"] == "close"
    assert len(answer.headers["x-request-id"]) == 36
    assert answer.json["error"]["code"] == "headers_too_large"
    assert await client.closed()
    await asyncio.gather(sending, return_exceptions=True)


async def test_it_is_said_in_the_words_of_messages_on_a_path_of_messages(client):
    await client.send(request("POST", "/v1/messages", {**HOST, "x-big": "a" * 70_000}))
    answer = await client.answer()
    assert answer.json["type"] == "error"
    assert answer.json["error"]["type"] == "request_too_large"
    assert answer.json["request_id"] == answer.headers["x-request-id"]


async def test_what_is_no_http_gets_400_as_json(client):
    await client.send(b"HELLO\r\n\r\n")
    answer = await client.answer()
    assert answer.status == 400
    assert answer.json["error"]["code"] == "invalid_http"


async def test_the_second_request_of_a_connection_is_bounded_as_well(client):
    await client.send(request("GET", "/", HOST))
    assert (await client.answer()).body == b"done"
    await client.send(request("GET", "/", fields(101)))
    assert (await client.answer()).status == 431


async def test_a_large_body_is_no_large_head(client):
    body = b"a" * 300_000
    head = request("POST", "/", {**HOST, "content-length": str(len(body))})
    await client.send(head + body + request("GET", "/", HOST))
    assert (await client.answer()).body == b"done"
    assert (await client.answer()).body == b"done"


async def test_a_refusal_is_not_written_into_an_answer_that_is_under_way(place, client):
    await client.send(request("GET", "/held", HOST))
    await client.until(b"begun\r\n")
    await client.send(request("GET", "/", fields(101)))
    assert await client.closed()


async def test_headers_after_a_body_are_counted_too(client):
    await client.send(request("POST", "/held", {**HOST, "transfer-encoding": "chunked"}) + b"0\r\n")
    await client.until(b"begun\r\n")
    await client.send(b"".join(b"x-%d: 1\r\n" % number for number in range(101)))
    assert await client.closed()


async def test_what_is_answering_is_never_too_slow(place, client):
    await client.send(request("GET", "/held", HOST))
    await client.until(b"begun\r\n")
    await client.send(b"GET / HT")
    await asyncio.sleep(0.05)  # until it has been read
    later = asyncio.get_running_loop().time() + 1 + HEAD_SECONDS
    [connection] = place.connections
    connection.close_if_slow(later)
    place.gate.set()
    await client.until(b"done\r\n")
    await client.until(b"\r\n\r\n")
    await client.send(b"TP/1.1\r\nhost: gateway\r\n\r\n")
    assert (await client.answer()).body == b"done"


async def test_a_head_that_does_not_come_is_closed_after_ten_seconds(chaos, database):
    async with running(chaos, database) as gateway:
        silent, half, second, drip = [await gateway.connect() for _ in range(4)]
        await half.send(b"GET /livez HT")
        await second.send(request("GET", "/livez", HOST))
        assert (await second.answer()).status == 200
        await second.send(b"GET /livez HTTP/1.1\r\nhost: a\r\n")
        for _ in range(8):
            await drip.send(b"\r\n")
            await asyncio.sleep(1)
        clients = (silent, half, second, drip)
        assert not any(client.reader.at_eof() for client in clients)
        await asyncio.sleep(4)
        assert all([await client.closed() for client in clients])


def test_small_writes_are_sent_at_once() -> None:
    async def no_delay() -> bool:
        async with listening() as place:
            client = await RawClient.connect(place.port)
            await client.send(request("GET", "/", HOST))
            await client.answer()
            [connection] = place.connections
            plain = connection.transport.get_extra_info("socket")
            client.leave()
            return bool(plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(no_delay())
