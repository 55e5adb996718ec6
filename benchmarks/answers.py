"""The wire format of the benchmark: what the mock provider says and what the client checks.

A model's name says how it is answered. Each chunk of a stream carries its number and the
moment at which it was sent, so that a client on the same host sees order, loss and delay.
What is said, and the ids, differ from one answer to the next, as they do in life.
"""

from __future__ import annotations

import random
import re
import string
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
VARIETY = 64
"""So many answers take turns, and so many prompts; the number of one is its `turn`."""
WHOLE = "bench-whole"
MODELS = (WHOLE, *SHAPES)

_ID_LETTERS = string.ascii_letters + string.digits

NO_TIME = b"0" * 16
MARK = re.compile(rb"~(\d{4}):(\d{16})~")

_FRAME = (
    b'data: {"id":"%s","object":"chat.completion.chunk","created":1700000000,'
    b'"model":"%s","choices":[%s]%s}\n\n'
)
_CHOICE = b'{"index":0,"delta":%s,"finish_reason":%s}'


def mark(number: int, nanoseconds: int) -> bytes:
    """What a chunk carries; its length is always the same."""
    return b"~%04d:%016d~" % (number, nanoseconds)


def said(turn: int, words: int, *, asking: bool = False) -> list[bytes]:
    """The words of an answer, or of a prompt, the same ones each time; each with a blank after it."""
    seed = turn + VARIETY if asking else turn
    chance = random.Random(seed)
    return [word + b" " for word in chance.choices(TEXT.split(), k=words)]


def _made_id(turn: int) -> bytes:
    """As long as the ids of completions are, of letters and digits."""
    chance = random.Random(turn)
    return b"chatcmpl-" + "".join(chance.choices(_ID_LETTERS, k=29)).encode()


IDS = [_made_id(turn) for turn in range(VARIETY)]
SAID = [said(turn, SHAPES[WORDS].chunks) for turn in range(VARIETY)]


def _frame(turn: int, model: str, delta: bytes, finish: bytes = b"null") -> bytes:
    return _FRAME % (IDS[turn], model.encode(), _CHOICE % (delta, finish), b"")


def opening(turn: int, model: str) -> bytes:
    return _frame(turn, model, b'{"role":"assistant","content":""}')


def content(turn: int, model: str, number: int, nanoseconds: int) -> bytes:
    text = SAID[turn][number] if model in IN_WORDS else mark(number, nanoseconds)
    return _frame(turn, model, b'{"content":"%s"}' % text)


def ending(turn: int, model: str, chunks: int, with_usage: bool) -> bytes:
    """The last frames of a stream: why it stopped, the usage if it was asked for, the end mark."""
    frames = _frame(turn, model, b"{}", b'"stop"')
    if with_usage:
        frames += _FRAME % (IDS[turn], model.encode(), b"", b',"usage":' + _usage(chunks))
    return frames + b"data: [DONE]\n\n"


def whole_text(turn: int) -> bytes:
    return b"".join(said(turn, WHOLE_TEXT_BYTES))[:WHOLE_TEXT_BYTES]


def whole(turn: int) -> bytes:
    """A plain answer with 1 KB of text."""
    return (
        b'{"id":"%s","object":"chat.completion","created":1700000000,"model":"%s",'
        b'"choices":[{"index":0,"message":{"role":"assistant","content":"%s","refusal":null},'
        b'"logprobs":null,"finish_reason":"stop"}],"usage":%s}'
    ) % (IDS[turn], WHOLE.encode(), whole_text(turn), _usage(WHOLE_TEXT_BYTES // 4))


def _usage(output: int) -> bytes:
    total = INPUT_TOKENS + output
    return (
        b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
        b'"prompt_tokens_details":{"cached_tokens":0}}'
    ) % (INPUT_TOKENS, output, total)
