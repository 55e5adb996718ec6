"""Put transcripts into the order of their times without holding them all: they wait in a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator

from usage.transcripts.stored import Line, read_line

IN_MEMORY = 8 * 2**20


def in_time_order(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines by when their exchanges began. Raises OSError."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
        waiting = []
        for line in lines:
            waiting.append((line.head.time, line.head.exchange_id, spool.tell(), line.path))
            spool.write(line.data + b"\n")
        for *_, at, path in sorted(waiting):
            spool.seek(at)
            yield read_line(spool.readline(), path)
