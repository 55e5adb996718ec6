"""The wire format of the benchmark: what the mock provider says and what the client checks.

A model's name says how it is answered. Each chunk of a stream carries its number and the
moment at which it was sent, so that a client on the same host sees order, loss and delay.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Shape(NamedTuple):
    """How a model is answered: `chunks` of content, `gap` seconds apart (0: all in one write)."""

    chunks: int
    gap: float


WHOLE_TEXT_BYTES = 1024
TEXT = b"the quick brown fox jumps over a lazy dog "
INPUT_TOKENS = 11
SHAPES = {
    "bench-burst": Shape(100, 0),
    "bench-paced": Shape(100, 0.02),
    "bench-short": Shape(5, 0.005),
    "bench-words": Shape(100, 0),
    "bench-spoken": Shape(100, 0.02),
}
WORDS, PACED_WORDS = "bench-words", "bench-spoken"
IN_WORDS = (WORDS, PACED_WORDS)
"""Say words instead of numbers, as models do; numbers may be personal data, and are looked at closely."""
WHOLE = "bench-whole"
MODELS = (WHOLE, *SHAPES)

NO_TIME = b"0" * 16
MARK = re.compile(rb"~(\d{4}):(\d{16})~")

_FRAME = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"%s","choices":[%s]%s}\n\n'
)
_CHOICE = b'{"index":0,"delta":%s,"finish_reason":%s}'


def mark(number: int, nanoseconds: int) -> bytes:
    """What a chunk carries; its length is always the same."""
    return b"~%04d:%016d~" % (number, nanoseconds)


def _frame(model: str, delta: bytes, finish: bytes = b"null") -> bytes:
    return _FRAME % (model.encode(), _CHOICE % (delta, finish), b"")


def opening(model: str) -> bytes:
    return _frame(model, b'{"role":"assistant","content":""}')


def content(model: str, number: int, nanoseconds: int) -> bytes:
    said = word(number) if model in IN_WORDS else mark(number, nanoseconds)
    return _frame(model, b'{"content":"%s"}' % said)


def word(number: int) -> bytes:
    """One of a few; which one it is says the number."""
    return TEXT.split()[number % 9] + b" "


def ending(model: str, chunks: int, with_usage: bool) -> bytes:
    """The last frames of a stream: why it stopped, the usage if it was asked for, the end mark."""
    frames = _frame(model, b"{}", b'"stop"')
    if with_usage:
        frames += _FRAME % (model.encode(), b"", b',"usage":' + _usage(chunks))
    return frames + b"data: [DONE]\n\n"


def whole() -> bytes:
    """A plain answer with 1 KB of text."""
    text = (TEXT * (WHOLE_TEXT_BYTES // len(TEXT) + 1))[:WHOLE_TEXT_BYTES]
    return (
        b'{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"%s",'
        b'"choices":[{"index":0,"message":{"role":"assistant","content":"%s","refusal":null},'
        b'"logprobs":null,"finish_reason":"stop"}],"usage":%s}'
    ) % (WHOLE.encode(), text, _usage(WHOLE_TEXT_BYTES // 4))


def _usage(output: int) -> bytes:
    total = INPUT_TOKENS + output
    return (
        b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
        b'"prompt_tokens_details":{"cached_tokens":0}}'
    ) % (INPUT_TOKENS, output, total)
