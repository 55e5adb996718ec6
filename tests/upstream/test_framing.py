"""Answers as HTTP/1.1 lets providers write them, and as it does not: each is read exactly or refused."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos import Data, Head, Raw, Reset, Step, Wait, speech, stream, whole
from tests.house import House

ANSWER = speech.chat_body()
SIZE = len(ANSWER)
OTHER = speech.chat_body("somebody else's")
WHOLE_OTHER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(OTHER), OTHER)


def in_pieces(written: bytes, size: int = 2**20) -> list[Step]:
    """These very bytes on the socket, each piece to be read by itself."""
    steps: list[Step] = []
    for start in range(0, len(written), size):
        steps += [Raw(written[start : start + size]), Wait(0.001)]
    return steps


READ = {
    "bare line feeds": b"HTTP/1.1 200 OK\ncontent-length: %d\n\n%b" % (SIZE, ANSWER),
    "no reason phrase": b"HTTP/1.1 200\r\ncontent-length: %d\r\n\r\n%b" % (SIZE, ANSWER),
    "an empty header": b"HTTP/1.1 200 OK\r\nx:\r\ncontent-length: %d\r\n\r\n%b" % (SIZE, ANSWER),
    "a folded header": b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: %d\r\n\r\n%b"
    % (SIZE, ANSWER),
    "a blank after a chunk's size, an extension, a trailer": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b"%x \r\n%b\r\n3;a=b\r\n   \r\n0\r\nretry-after: 1\r\n\r\n" % (SIZE, ANSWER)
    ),
    "many chunks in one packet": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"".join(b"1\r\n%c\r\n" % byte for byte in ANSWER)
    + b"0\r\n\r\n",
    "interim answers": b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b"
    % (SIZE, ANSWER),
}
REFUSED = {
    "not HTTP": b"220 mail.example ESMTP ready\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
    "a length and chunks": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n"
    b"2\r\n{}\r\n0\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    "chunks of no size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "a status below all": b"HTTP/1.1 099 What\r\ncontent-length: 2\r\n\r\n{}",
    "an endless trailer": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-more: "
    + b"y" * 400_000,
    "an endless extension": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;"
    + b"y" * 400_000,
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"x-more: %b\r\n" % (b"y" * 1000) * 100,
    "endless interim answers": b"HTTP/1.1 102 Processing\r\n\r\n" * 5000,
}
UNASKED = {
    "at once": [Raw(WHOLE_OTHER)],
    "a moment later": [Wait(0.05), Raw(WHOLE_OTHER)],
    "the beginning of one": [Raw(WHOLE_OTHER[:20])],
    "rubbish": [Raw(b"\0\0\0\0")],
}


@pytest.mark.parametrize("written", READ.values(), ids=READ)
async def test_what_http_allows_is_read_whole_and_the_connection_used_again(house: House, written):
    house.chaos.next(in_pieces(written), whole(ANSWER))
    response = await house.chat()
    assert (response.status_code, response.content.strip()) == (200, ANSWER)
    assert (await house.chat()).content == ANSWER
    assert house.chaos.accepted == 1


@pytest.mark.parametrize("written", READ.values(), ids=READ)
async def test_it_is_read_byte_by_byte_as_well(house: House, written):
    house.chaos.next(in_pieces(written, 7))
    assert (await house.chat()).content.strip() == ANSWER


@pytest.mark.parametrize("written", REFUSED.values(), ids=REFUSED)
async def test_what_it_does_not_allow_is_a_502_that_says_so(house: House, written):
    house.chaos.next(in_pieces(written))
    response = await house.chat()
    assert response.status_code == 502
    assert "could not be read" in response.json()["error"]["message"]
    assert (await house.record())["reason"] == "upstream_invalid"
    assert (await house.chat()).status_code == 200


@pytest.mark.parametrize("more", UNASKED.values(), ids=UNASKED)
async def test_what_nobody_asked_for_is_given_to_nobody(house: House, more: list[Step]):
    """Were it kept, it would be taken for the answer to the next request, which may be another's."""
    house.chaos.next([*whole(ANSWER), *more], whole(ANSWER))
    assert (await house.chat()).content == ANSWER
    await asyncio.sleep(0.1)
    assert (await house.chat()).content == ANSWER
    assert house.chaos.accepted == 2


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 200 OK\r\nconnection: close", b"HTTP/1.0 200 OK"], ids=["close", "1.0"]
)
async def test_a_connection_that_is_not_to_be_kept_is_not(house: House, said):
    written = b"%b\r\ncontent-length: %d\r\n\r\n%b" % (said, SIZE, ANSWER)
    house.chaos.next(in_pieces(written))
    assert (await house.chat()).content == ANSWER
    assert (await house.chat()).status_code == 200
    assert house.chaos.accepted == 2


async def test_a_body_that_a_reset_ends_is_not_whole(house: House):
    head = Head(headers={"content-type": "application/json"}, framing="close")
    house.chaos.next([head, Data(ANSWER)], [head, Data(ANSWER), Reset()])
    assert (await house.chat()).content == ANSWER
    assert (await house.chat()).status_code == 502
    assert [record["reason"] for record in await house.records()] == ["ok", "upstream_truncated"]


async def test_events_split_anywhere_come_out_as_they_went_in(house: House):
    events = b"".join(speech.chat_events())
    pieces = [events[start : start + 3] for start in range(0, len(events), 3)]
    house.chaos.next(stream(pieces))
    response = await house.chat(stream=True, stream_options={"include_usage": True})
    assert response.content == events
