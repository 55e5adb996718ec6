"""Read a stream that is over, all of it at once: the JSON objects of its events.

Pure, and never fails: what cannot be read is left out. Most events of a stream differ from their
neighbours in a piece of text and in nothing else. Such a run is made one event before anything is
parsed, and everything is parsed by one call: several times faster than event by event.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from providers.wire import sse
from providers.wire.json_text import Json
from providers.wire.octets import BACKSLASH, CR, LF, QUOTE

FIRST_WINDOW = 32
"""Events that are compared at once when a run begins; four times as many as long as it goes on."""
MOST_MISSES = 8
"""So many events may look like the beginning of a run and be none: then runs are no longer looked for."""
LIKENESS = 3
"""Bytes at the end of two neighbours that are compared before anything that takes longer."""
FIRST_BYTES = 1024
"""Padding that is not in these is not looked for."""
SPARE_DEPTH = 8
"""What is read must not be nested so deeply that it cannot be written in a message, or read again."""

OPENING, CLOSING = b"[" * SPARE_DEPTH, b"]" * SPARE_DEPTH
JSON_STRING = rb'[^"\\]*(?:\\.[^"\\]*)*'

_blank_line = re.compile(rb"\n\n")
_pieces = re.compile(rb'[^"\\]*(?:\\[^\n][^"\\]*)*')
_json = msgspec.json.Decoder()


class Dialect(NamedTuple):
    """What the streams of a format look like.

    `plain` matches an event of which nothing but a text counts. Its groups `start`, `text` and `end`
    are the whole of it, and to say `start` and `end` twice must mean nothing else than to say them once.
    `trim` takes out of an event what is in it for its length alone, if `padding` is in the stream.
    """

    plain: re.Pattern[bytes]
    padding: bytes
    trim: Callable[[bytes], bytes]
    done: bytes = b""


class WholeStream(NamedTuple):
    """(name, data) of each event; the name is empty if it has none.

    `done`: the mark that ends streams of this dialect was there.
    """

    events: list[tuple[bytes, Json]]
    done: bool


def read_stream(stream: bytes, dialect: Dialect) -> WholeStream:
    """What is readable up to the end mark, whatever the bytes are."""
    blocks = _blocks(stream, dialect)
    broken_off = blocks.pop()
    names, texts, done = _parse(_join_runs(blocks, dialect.plain), dialect.done)
    values = read_values(texts)
    if values is None:
        names, texts, done = _parse(blocks, dialect.done)
        values = _one_by_one(texts)
    if broken_off and not done:
        name, text, done = _parse([broken_off], dialect.done)
        names += name
        values += _one_by_one(text)
    pairs = zip(names, values, strict=True)
    return WholeStream([pair for pair in pairs if type(pair[1]) is dict], done)


def _one_by_one(texts: list[bytes]) -> list[Any]:
    return [value for text in texts for value in read_values([text]) or (None,)]


def read_values(texts: list[bytes]) -> list[Any] | None:
    """The value of each text; None if one of them is no JSON."""
    try:
        values = _json.decode(OPENING + b",".join(texts) + CLOSING)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for _ in range(SPARE_DEPTH - 1):
        if len(values) != 1 or type(values[0]) is not list:
            return None
        values = values[0]
    return values if len(values) == len(texts) else None


def _blocks(stream: bytes, dialect: Dialect) -> list[bytes]:
    """The events as they came, their lines ended by LF. A CR is never part of JSON text."""
    if CR in stream:
        stream = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    blocks = _blank_line.split(stream.removeprefix(sse.BOM))
    return [*map(dialect.trim, blocks)] if dialect.padding in stream[:FIRST_BYTES] else blocks


def _parse(blocks: list[bytes], done: bytes) -> tuple[list[bytes], list[bytes], bool]:
    """Names and data of the events that have data, up to the end mark; and whether that came."""
    names: list[bytes] = []
    texts: list[bytes] = []
    for block in blocks:
        name, data = _parse_block(block)
        if data[:1] != b"{":
            if done and data.strip() == done:
                return names, texts, True
            if not data:
                continue
        names.append(name)
        texts.append(data)
    return names, texts, False


def _parse_block(block: bytes) -> tuple[bytes, bytes]:
    """As sse.parse does; the two ways in which nearly all events are written go faster."""
    if block.startswith(b"data: {") and LF not in block:
        return b"", block[6:]
    if block.startswith(b"event: "):
        end = block.find(b"\n")
        if block.startswith(b"data: {", end + 1) and block.find(b"\n", end + 1) < 0:
            return block[7:end], block[end + 7 :]
    return sse.parse(block)


def _join_runs(blocks: list[bytes], plain: re.Pattern[bytes]) -> list[bytes]:
    """The same stream with as few events as are needed to say it."""
    out: list[bytes] = []
    place, misses, last = 0, 0, len(blocks) - 1
    while place < last and misses < MOST_MISSES:
        block = blocks[place]
        place += 1
        if block[-LIKENESS:] == blocks[place][-LIKENESS:]:
            found = plain.fullmatch(block)
            texts, after = _run(blocks, place, found) if found else ([], place)
            if found and texts:
                place = after
                block = b"".join((found["start"], found["text"], *texts, found["end"]))
            else:
                misses += 1
        out.append(block)
    return out + blocks[place:]


def _run(blocks: list[bytes], place: int, first: re.Match[bytes]) -> tuple[list[bytes], int]:
    """The texts of the events from `place` on that are like the first one, and where these end."""
    start, end = first["start"], first["end"]
    texts: list[bytes] = []
    size = FIRST_WINDOW
    while place < len(blocks) and blocks[place].startswith(start):
        window = blocks[place : place + size]
        whole = len(window)
        while window and not (window[-1].startswith(start) and window[-1].endswith(end)):
            window.pop()
        text = _text(window, start, end)
        if text is None:
            more = _singly(window, start, end)
            return texts + more, place + len(more)
        texts.append(text)
        place += len(window)
        if len(window) < whole:
            break
        size *= 4
    return texts, place


def _text(window: list[bytes], start: bytes, end: bytes) -> bytes | None:
    """The text of events of which each is `start`, a piece of a JSON string, and `end`; else None.

    That what is left can be put together to what there was shows that nothing else was in it.
    """
    begin, stop = len(start), -len(end)
    said = [block[begin:stop] for block in window]
    if start + (end + start).join(said) + end != b"".join(window):
        return None
    text = b"".join(said)
    if (QUOTE in text or BACKSLASH in text) and _pieces.fullmatch(b"\n".join(said)) is None:
        return None
    return text


def _singly(window: list[bytes], start: bytes, end: bytes) -> list[bytes]:
    """What of a window still belongs to the run."""
    texts: list[bytes] = []
    for block in window:
        text = _text([block], start, end)
        if text is None:
            break
        texts.append(text)
    return texts
