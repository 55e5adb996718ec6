"""The chunks of one read may be joined, wherever reads end; what is no chunk is left alone."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.chunked import joined
from providers.upstream import LONG_READ, ProviderConnection, Upstream, UpstreamRequest
from tests.chaos import Raw

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = [b'data: {"text":"event %d of many"}\n\n' % number for number in range(200)]
contents = st.lists(st.binary(min_size=1, max_size=40) | st.sampled_from([b"\r\n", b"0\r\n\r\n"]))


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def chunks(pieces: list[bytes]) -> bytes:
    return b"".join(map(chunk, pieces))


def test_whole_chunks_become_one():
    assert joined(b"3\r\nabc\r\n2\r\nde\r\n") == b"5\r\nabcde\r\n"


def test_the_last_chunk_stays_the_last():
    assert joined(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") == b"5\r\nabcde\r\n0\r\n\r\n"
    assert joined(b"0\r\n\r\n") == b"0\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"3\r\nabc",
        b"3\r\nabc\r\n2\r\nd",
        b"3\r\nabc\r\n2",
        b"4\r\nabc\r\n",
        b"A\r\n0123456789\r\n",
        b"03\r\nabc\r\n",
        b"0x3\r\nabc\r\n",
        b" 3\r\nabc\r\n",
        b"3;name=value\r\nabc\r\n",
        b"3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"3\r\nabc\r\n0\r\n\r\n3\r\nabc\r\n",
        b"3\r\nabc\r\n0\r\nserver-timing: 1\r\n\r\n",
    ],
)
def test_anything_else_is_for_the_reader_of_chunks(data: bytes):
    assert joined(data) is None


@given(contents, st.booleans())
def test_what_is_joined_says_the_same(pieces: list[bytes], ended: bool):
    end = b"0\r\n\r\n" if ended else b""
    found = joined(chunks(pieces) + end)
    assert found is None or found == chunks([b"".join(pieces)] if pieces else []) + end


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
@pytest.mark.parametrize("size_line", ["%x\r\n", "%X\r\n", "%x;extended\r\n", "%08x\r\n"])
async def test_a_body_is_the_same_wherever_reads_end(end: bytes, size_line: str):
    events = [event.replace(b"\n\n", end) for event in EVENTS]
    lines = [(size_line % len(event)).encode() for event in events]
    body = b"".join(line + event + b"\r\n" for line, event in zip(lines, events, strict=True))
    answer = HEAD + body + b"0\r\n\r\n"
    for cut in [*range(len(HEAD) + 60), *range(LONG_READ - 60, LONG_READ + 60), len(answer) - 3]:
        reads = [answer[:cut], answer[cut : cut + LONG_READ], answer[cut + LONG_READ :]]
        assert await read(reads) == b"".join(events)


async def read(reads: list[bytes]) -> bytes:
    connection = ProviderConnection(asyncio.get_running_loop())
    connection.set_response_params(read_until_eof=True)
    for data in reads:
        connection.data_received(data)
    _, payload = await connection.read()
    assert payload.is_eof()
    return await payload.read()


async def test_head_lines_may_end_as_they_like():
    """Then the first blank line that is looked for stands in the body, between no chunks."""
    head = HEAD.replace(b"\r\n", b"\n")
    content = b"3\r\nabc\r\n\r\n" + chunks(EVENTS).removesuffix(b"\r\n")
    assert await read([head + chunk(content) + b"0\r\n\r\n"]) == content


async def test_a_burst_comes_in_one_piece(house):
    """Which is all that the joining is for."""
    house.chaos.next([Raw(HEAD + chunks(EVENTS))])
    upstream = Upstream(connect_seconds=5)
    try:
        reply = await upstream.send(UpstreamRequest(house.chaos.openai_url, {}, b"{}", True))
        assert await reply._response.content.readchunk() == (b"".join(EVENTS), True)
    finally:
        await upstream.close()
