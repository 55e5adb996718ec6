"""Bytes to server-sent events and back (WHATWG HTML, section 9.2). Sans-I/O.

`Splitter` keeps every byte, so that blocks can be passed on as they came. Most servers end lines
one way throughout, so the way of the first line is learned and split by; if another way turns up
the slower exact expression takes over for good.
"""

from __future__ import annotations

import re

from providers.wire.errors import FrameTooLarge
from providers.wire.octets import CR, LF

LARGEST_BLOCK = 2**20
BOM = b"\xef\xbb\xbf"
LONGEST_END = 4

_blank_line = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))+")
_line_end = re.compile(rb"\r\n|\n|\r")


class Splitter:
    """Cuts a byte stream into event blocks, each with the blank line that ends it."""

    __slots__ = ("_buffer", "_end", "_exact", "_largest", "_started")

    def __init__(self, largest: int = LARGEST_BLOCK) -> None:
        self._buffer = bytearray()
        self._end = b""
        self._exact = False
        self._largest = largest
        self._started = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The blocks that `chunk` completes. Raises FrameTooLarge."""
        if self._buffer or not self._end:
            data = self._gather(chunk)
        else:
            data = chunk
            self._exact = self._exact or self._foreign(chunk, chunk)
        blocks, rest = self._split_exactly(data) if self._exact else self._split(data)
        if rest:
            self._buffer += rest
        if len(self._buffer) > self._largest:
            raise FrameTooLarge(f"an event is larger than {self._largest} bytes")
        return blocks

    @property
    def between_events(self) -> bool:
        """Whether the next byte begins an event, and lines have ended by LF so far."""
        return not self._buffer and self._end == b"\n\n" and not self._exact

    def flush(self) -> bytes:
        """What came after the last whole block."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _gather(self, chunk: bytes) -> bytes:
        """All that has come since the last block, if `chunk` completes one; else it waits, unread.

        So an event of many reads is put together and searched once, and not at each of them.
        """
        if not self._started:
            chunk = self._start(chunk)
        turned = not self._exact and self._turns_exact(chunk)
        if not self._buffer:
            return chunk
        seam = bytes(self._buffer[1 - LONGEST_END :]) + chunk
        self._buffer += chunk
        if not (turned or self._completes(seam)):
            return b""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def _start(self, chunk: bytes) -> bytes:
        """A byte order mark at the very beginning is no part of the first event."""
        data = bytes(self._buffer) + chunk
        if data != BOM and BOM.startswith(data):
            return chunk
        self._started = True
        self._buffer.clear()
        return data.removeprefix(BOM)

    def _turns_exact(self, chunk: bytes) -> bool:
        """Whether a line end of another way has come just now."""
        near = bytes(self._buffer[-1:]) + chunk
        if not self._end:
            self._learn(near)
        self._exact = self._foreign(chunk, near)
        return self._exact

    def _learn(self, near: bytes) -> None:
        found = _line_end.search(near)
        if found is None or (found.group() == b"\r" and found.end() == len(near)):
            return
        self._end = found.group() * 2

    def _foreign(self, chunk: bytes, near: bytes) -> bool:
        """Whether a line ends another way than the first one did. `near` has the byte before, too."""
        if self._end == b"\n\n":
            return CR in chunk
        if self._end == b"\r\n\r\n":
            return chunk.count(b"\n") != near.count(b"\r\n") or near.find(b"\r\r") >= 0
        return LF in chunk

    def _completes(self, seam: bytes) -> bool:
        if not self._exact:
            return bool(self._end) and seam.find(self._end) >= 0
        found = _blank_line.search(seam)
        return found is not None and not _may_go_on(found.end(), seam)

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
            if _may_go_on(end, data):
                break
            blocks.append(data[start:end])
            start = end
        return blocks, data[start:]


def _may_go_on(end: int, data: bytes) -> bool:
    """Whether the blank line that ends at `end` may be longer, by what has not come yet."""
    return end == len(data) and data.endswith(b"\r")


def parse(block: bytes) -> tuple[bytes, bytes]:
    """(event name, data) of a block; both empty for a comment. Data lines are joined by LF."""
    if block.startswith(b"data: {") and block.count(b"\n") == 2 and CR not in block:
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
