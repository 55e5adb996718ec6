"""Bytes to server-sent events and back (WHATWG HTML, section 9.2). Sans-I/O.

`Splitter` keeps every byte, so that blocks can be passed on as they came. Most servers end lines
one way throughout, so the way of the first line is learned and split by; if another way turns up
the slower exact expression takes over for good.
"""

from __future__ import annotations

import re

from providers.wire.errors import FrameTooLarge

LARGEST_BLOCK = 2**20
BOM = b"\xef\xbb\xbf"

_blank_line = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))+")
_line_end = re.compile(rb"\r\n|\n|\r")


class Splitter:
    """Cuts a byte stream into event blocks, each with the blank line that ends it."""

    __slots__ = ("_buffer", "_end", "_exact", "_largest", "_started")

    def __init__(self, largest: int = LARGEST_BLOCK) -> None:
        self._buffer = b""
        self._end = b""
        self._exact = False
        self._largest = largest
        self._started = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The blocks that `chunk` completes. Raises FrameTooLarge."""
        data = self._buffer + chunk if self._buffer else chunk
        if not self._started:
            data = self._start(data)
        if not self._end and not self._exact:
            self._learn(data)
        if not self._exact and self._foreign(data):
            self._exact = True
        blocks, self._buffer = self._split_exactly(data) if self._exact else self._split(data)
        if len(self._buffer) > self._largest:
            raise FrameTooLarge(f"an event is larger than {self._largest} bytes")
        return blocks

    @property
    def between_events(self) -> bool:
        """Whether the next byte begins an event, and lines have ended by LF so far."""
        return not self._buffer and self._end == b"\n\n" and not self._exact

    def flush(self) -> bytes:
        """What came after the last whole block."""
        rest, self._buffer = self._buffer, b""
        return rest

    def _start(self, data: bytes) -> bytes:
        """A byte order mark at the very beginning is no part of the first event."""
        if data == BOM or data != BOM[: len(data)]:
            self._started = True
        return data.removeprefix(BOM) if self._started else data

    def _learn(self, data: bytes) -> None:
        found = _line_end.search(data)
        if found is None or (found.group() == b"\r" and found.end() == len(data)):
            return
        self._end = found.group() * 2

    def _foreign(self, data: bytes) -> bool:
        """Whether a line ends another way than the first one did."""
        if self._end == b"\n\n":
            return b"\r" in data
        if self._end == b"\r\n\r\n":
            return data.count(b"\n") != data.count(b"\r\n") or b"\r\r" in data
        return b"\n" in data

    def _split(self, data: bytes) -> tuple[list[bytes], bytes]:
        end = self._end
        if not end:
            return [], data
        *whole, rest = data.split(end)
        return [block + end for block in whole], rest

    def _split_exactly(self, data: bytes) -> tuple[list[bytes], bytes]:
        """A CR at the end of what has come may be the first half of CRLF, so it waits."""
        blocks, start = [], 0
        for found in _blank_line.finditer(data):
            end = found.end()
            if end == len(data) and data.endswith(b"\r"):
                break
            blocks.append(data[start:end])
            start = end
        return blocks, data[start:]


def parse(block: bytes) -> tuple[bytes, bytes]:
    """(event name, data) of a block; both empty for a comment. Data lines are joined by LF."""
    if block.startswith(b"data: {") and block.count(b"\n") == 2 and b"\r" not in block:
        return b"", block[6:-2]
    name = b""
    data: list[bytes] = []
    for line in _line_end.split(block):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return name, b"\n".join(data)


def after_event(chunk: bytes, start: int) -> int:
    """Where the first event that ends after `start` is over, if lines end by LF; `start` if none is."""
    end = chunk.find(b"\n\n", start)
    return start if end < 0 else end + 2


def before_last_events(chunk: bytes, start: int, count: int) -> int:
    """Where the last `count` whole events begin, if lines end by LF; `start` if there are not so many."""
    end = len(chunk)
    for _ in range(count + 1):
        end = chunk.rfind(b"\n\n", start, end)
        if end < 0:
            return start
    return end + 2


def as_array(blocks: bytes, start: bytes) -> bytes:
    """Events that each begin with `start` and hold one line of JSON, as one JSON array.

    Of any other event it makes something that is no JSON. The separator is as long as what it
    replaces, which is faster.
    """
    separator = b"," + b" " * (len(start) + 1)
    return (
        b"["
        + blocks.removeprefix(start).removesuffix(b"\n\n").replace(b"\n\n" + start, separator)
        + b"]"
    )


def encode(data: bytes, name: bytes = b"") -> bytes:
    """One event; `data` must hold no line ends."""
    if name:
        return b"event: " + name + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"
