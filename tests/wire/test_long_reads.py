"""Many events in one read are looked at together; what comes of it is what comes of one at a time."""

from __future__ import annotations

import random

import pytest

from providers.errors import Invalid
from providers.observe import LONG_READ, Observe
from providers.wire.codec import WireFormat
from providers.wire.registry import CODECS

CHAT, MESSAGES = WireFormat.OPENAI_CHAT, WireFormat.ANTHROPIC_MESSAGES
WORDS = ["a", "b c", 'quote \\" and \\\\', "\\u00e9", "é", "data: {", "end\\n\\ndata: x", "]", "["]


def chunk(content: str, rest: str = "") -> bytes:
    delta = f'{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":null}}'
    return f'data: {{"id":"c","model":"m","choices":[{delta}]{rest}}}\n\n'.encode()


def piece(text: str) -> bytes:
    delta = f'{{"type":"text_delta","text":"{text}"}}'
    data = f'{{"type":"content_block_delta","index":0,"delta":{delta}}}'
    return f"event: content_block_delta\ndata: {data}\n\n".encode()


CHAT_START = (
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
)
CHAT_END = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}\n\n'
    b"data: [DONE]\n\n"
)
MESSAGES_START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m1","model":"m",'
    b'"content":[],"usage":{"input_tokens":5,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    b'"content_block":{"type":"text","text":""}}\n\n'
    b'event: ping\ndata: {"type":"ping"}\n\n'
)
MESSAGES_END = (
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":7}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
TOOL = (
    b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":'
    b'{"arguments":"{}"}}]}}]}\n\n'
)
INTERRUPTIONS = {
    "nothing": b"",
    "a comment": b": still here\n\n",
    "a tool call": TOOL,
    "two choices": b'data: {"choices":[{"delta":{"content":"x"}},{"delta":{"content":"y"}}]}\n\n',
    "usage so far": chunk("x", ',"usage":{"prompt_tokens":5,"completion_tokens":3}'),
    "an event that is no JSON": b'data: {"choices":[{"delta":{"content":"x\n\n',
    "another line end": b'data: {"choices":[{"delta":{"content":"x"}}]}\r\n\r\n',
    "data on two lines": b'data: {"choices":\ndata: [{"delta":{"content":"x"}}]}\n\n',
    "an error": b'data: {"error":{"message":"no more","code":500}}\n\n',
    "the end": b"data: [DONE]\n\n",
    "two blank lines": b"\n\n",
}


def streams() -> dict[str, tuple[WireFormat, bytes]]:
    texts = [chunk(WORDS[number % len(WORDS)]) for number in range(120)]
    found = {
        f"chat, {name}": (
            CHAT,
            CHAT_START + b"".join(texts[:60]) + odd + b"".join(texts[60:]) + CHAT_END,
        )
        for name, odd in INTERRUPTIONS.items()
    }
    pieces = b"".join(piece(WORDS[number % len(WORDS)]) for number in range(120))
    found["messages"] = MESSAGES, MESSAGES_START + pieces + MESSAGES_END
    found["messages with lines ended by CRLF"] = (
        MESSAGES,
        (MESSAGES_START + pieces + MESSAGES_END).replace(b"\n", b"\r\n"),
    )
    return found


STREAMS = streams()


def seen(wire_format: WireFormat, parts: list[bytes]) -> tuple[object, ...]:
    """All that a lane and its watcher have to say of a stream that came in these parts."""
    lane = Observe(CODECS[wire_format], True, "id", "secret")
    try:
        out = b"".join(map(lane.feed, parts))
    except Invalid as error:
        return (str(error),)
    watcher = lane.meter.watcher
    counted = watcher.usage, watcher.output_bytes, watcher.finish, watcher.response_model
    return (out, lane.content, lane.ended, repr(lane.failure), *counted)


def cuts(data: bytes, chance: random.Random, pieces: int) -> list[bytes]:
    places = sorted(chance.randrange(len(data)) for _ in range(pieces - 1))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@pytest.mark.parametrize("name", STREAMS)
def test_a_long_read_says_what_short_ones_say(name: str):
    wire_format, data = STREAMS[name]
    assert len(data) > 2 * LONG_READ
    short = [data[at : at + 100] for at in range(0, len(data), 100)]
    expected = seen(wire_format, short)
    assert seen(wire_format, [data]) == expected
    chance = random.Random(name)
    for _ in range(60):
        assert seen(wire_format, cuts(data, chance, chance.choice([2, 3, 4]))) == expected


def test_only_plain_text_is_looked_at_by_one_call():
    watcher = CODECS[CHAT].watcher()
    assert watcher.run(chunk("four") + chunk("six six"))
    assert watcher.output_bytes == 11
    assert not watcher.run(chunk("four") + TOOL)
    assert watcher.output_bytes == 11
