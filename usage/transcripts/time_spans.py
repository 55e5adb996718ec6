"""When the lines of a segment were written, from its first line and its name: one small read.

It never reads on, so where the beginning of the first line does not say it, nothing is known.
"""

from __future__ import annotations

import re
import zlib
from math import inf
from pathlib import Path
from uuid import UUID

from usage.transcripts.segments import COMPRESSED, GZIP, LIVE, Segment

CLOCK_SECONDS = 60.0
"""How far the clocks of those who wrote may have been apart, or stepped back."""
HEAD, INFLATED = 4096, 256
"""Bytes of a file that are read, and of a compressed one those that are made of them."""

_first = re.compile(rb'\s*\{"v":\s*\d+,\s*"exchange_id":\s*"([0-9a-f-]{36})"')


def spanned(segment: Segment) -> Segment:
    """A segment of a directory, as `segments` gives it, with the span that all of it was written in.

    Lines are in the order of their writes, and the first was written after its exchange began,
    which its id says. Not of files that others have named: those may be put together in any order.
    Where the file was ended before, by its name, or written to last, a name or a clock was wrong:
    then nothing is known.
    """
    is_live = segment.path.name == LIVE
    if segment.end == inf and not is_live:
        return segment
    begin = _began(_head(segment.path)) - CLOCK_SECONDS
    ended = _changed(segment.path) if is_live else segment.end
    return segment._replace(begin=begin) if begin <= ended else Segment(segment.path)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return -inf


def _head(path: Path) -> bytes:
    """How the first line begins; nothing where it cannot be read: whoever reads on is told why."""
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(HEAD)
        if path.name.endswith(COMPRESSED):
            head = zlib.decompressobj(GZIP).decompress(head, INFLATED)
    except (OSError, zlib.error):
        return b""
    return head


def _began(line: bytes) -> float:
    """When the exchange of a line began; -inf if its id, the first 48 bits of which say it, is no UUIDv7."""
    match = _first.match(line)
    try:
        identifier = UUID(match[1].decode()) if match else None
    except ValueError:
        return -inf
    if identifier is None or identifier.version != 7:
        return -inf
    return (identifier.int >> 80) / 1000
