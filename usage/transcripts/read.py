"""Find transcripts in log files: one by its id, or all in their order. Needs no database.

Whatever is damaged is reported and passed over.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, nullcontext
from itertools import count, islice
from math import inf
from pathlib import Path
from uuid import UUID

from usage.log_lock import lies_at
from usage.transcripts.raw_lines import (
    Advance,
    Broken,
    Damage,
    Progress,
    Raw,
    Report,
    SegmentReader,
    read_at,
    summed,
)
from usage.transcripts.segments import COMPRESSED, Segment, index_path, look_up, segments
from usage.transcripts.stored import Line, Unusable, read_line
from usage.transcripts.time_spans import CLOCK_SECONDS, spanned

LONGEST_EXCHANGE = 90_000.0
"""A day, the upper bound of TOTAL_SECONDS, and an hour."""
FLUSH_SECONDS = 10.0
"""How much later than it ended an exchange may be written."""
MOST_HELD, MOST_HELD_BYTES = 10_000, 64 * 2**20
MOST_LISTINGS = 5
"""A directory is listed anew where files were rotated meanwhile, but who rotates always is not waited for."""
LEAST_DIGITS = 8
"""Of an id: what is shorter says nothing but which month it was."""

Where = Callable[[Line], bool]


def ignore(_: Damage) -> None:
    """For those who want what can be read."""


def find(directory: Path, exchange_id: UUID, report: Report = ignore) -> Line | None:
    """The transcript of an exchange, from the few segments that can hold it. Raises OSError."""
    return next(find_all([directory], exchange_id.hex, report), None)


def find_all(paths: Iterable[Path], start: str, report: Report = ignore) -> Iterator[Line]:
    """The transcripts whose id begins with these hexadecimal digits, each once. Raises OSError.

    The id of an exchange says when it began, and a segment when it was begun and ended.
    """
    began = _milliseconds(start, "0") / 1000 - CLOCK_SECONDS
    ended = _milliseconds(start, "f") / 1000 + LONGEST_EXCHANGE
    seen = set()
    with ExitStack() as stack:
        readers = _opened(
            paths, lambda part: part.end >= began and part.begin <= ended, report, None, stack
        )
        for segment in readers.held:
            for line in _found(segment, readers, start):
                if line.head.exchange_id not in seen:
                    seen.add(line.head.exchange_id)
                    yield line


def scan(
    paths: Iterable[Path],
    since: float = -inf,
    until: float = inf,
    where: Where | None = None,
    progress: Progress | None = None,
    *,
    newest_first: bool = False,
    report: Report = ignore,
) -> Iterator[Line]:
    """The transcripts of exchanges that began in a span of time, each once, as they were written.

    Newest first they come in the exact order of their beginnings. Segments are read when their turn
    comes and put together by time, so that directories of several hosts make one row. `progress`
    is told (bytes done with, bytes in all). Raises OSError.
    """
    with ExitStack() as stack:
        readers = _opened(
            paths,
            lambda part: (
                part.end >= since - CLOCK_SECONDS and part.begin <= until + LONGEST_EXCHANGE
            ),
            report,
            progress,
            stack,
        )
        streams = {part: _lines(part, readers, since, newest_first) for part in readers.held}
        found: Iterator[Line] = (
            line
            for line in _merged(streams, newest_first)
            if since <= line.head.time < until and (where is None or where(line))
        )
        if len(readers.held) > 1:
            found = _once(found)
        yield from _newest_first(found) if newest_first else found


def _once(lines: Iterator[Line]) -> Iterator[Line]:
    """Without those that came already, from a copy of a file for instance: 16 bytes of each are held."""
    seen: set[bytes] = set()
    for line in lines:
        identifier = UUID(line.head.exchange_id).bytes
        if identifier not in seen:
            seen.add(identifier)
            yield line


def listed(paths: Iterable[Path]) -> list[Segment]:
    """The segments that files and directories name, each once. Raises OSError."""
    return list(_each_once(_listing(paths)))


def _listing(paths: Iterable[Path]) -> Iterator[Segment]:
    for path in paths:
        if path.is_dir():
            yield from segments(path)
        else:
            yield Segment(path)


def _each_once(found: Iterable[Segment]) -> Iterator[Segment]:
    seen = set()
    for segment in found:
        place = segment.path.resolve()
        if place not in seen:
            seen.add(place)
            yield segment


def _milliseconds(start: str, filler: str) -> int:
    return int(start[:12].ljust(12, filler), 16)


def _opened(
    paths: Iterable[Path],
    wanted: Callable[[Segment], bool],
    report: Report,
    progress: Progress | None,
    stack: ExitStack,
) -> _Readers:
    """The segments to read. What was renamed between being listed and opened would be missing, so it is
    done anew where there are new names, or what was opened lies elsewhere by now.
    """
    paths = [*paths]
    for again in reversed(range(MOST_LISTINGS)):
        with ExitStack() as opened:
            listing = [*_listing(paths)]
            # Of files that are named nothing is known, whatever their names say.
            timed = (part if part.path in paths else spanned(part) for part in _each_once(listing))
            held = [*filter(wanted, timed)]
            advance = summed(held, progress) if progress else _nothing
            readers = _Readers(held, paths, report, advance, opened)
            if not again or (readers.are_in_place() and _names(_listing(paths)) <= _names(listing)):
                stack.push(opened.pop_all())
                break
    return readers


def _names(listing: Iterable[Segment]) -> set[str]:
    """What the segments are called, whether compressed or not."""
    return {str(part.path).removesuffix(COMPRESSED) for part in listing}


def _nothing(_: int) -> None:
    """For who need not be told."""


class _Readers:
    """Opens segments. What may be rotated while others are read is opened at once."""

    def __init__(
        self,
        held: list[Segment],
        named: list[Path],
        report: Report,
        advance: Advance,
        stack: ExitStack,
    ) -> None:
        self.held = held
        self._report = report
        self._advance = advance
        self._pinned: dict[Path, SegmentReader] = {}
        self._is_gone = False
        for part in held:
            try:
                if part.end == inf:
                    self._pinned[part.path] = stack.enter_context(self._open(part))
            except FileNotFoundError:
                if part.path in named:
                    raise
                self._is_gone = True  # it was rotated or removed since it was listed

    def are_in_place(self) -> bool:
        """Whether none of those that were to be opened at once has been renamed since it was listed."""
        return not self._is_gone and all(
            lies_at(reader.fileno(), path) for path, reader in self._pinned.items()
        )

    def _open(self, segment: Segment) -> SegmentReader:
        return SegmentReader(segment, self._report, self._advance)

    def raw_lines(
        self, segment: Segment, backwards: bool = False
    ) -> Iterator[tuple[SegmentReader, Raw]]:
        """The raw lines of a segment; none if it was removed for its age since it was listed."""
        pinned = self._pinned.get(segment.path)
        try:
            reader = pinned or self._open(segment)
        except FileNotFoundError:
            return
        with nullcontext() if pinned else reader:
            for raw in reader.backwards() if backwards else reader.forwards():
                yield reader, raw


def _found(segment: Segment, readers: _Readers, start: str) -> Iterator[Line]:
    """The lines of one segment with an id that begins so, by its index if that is of use."""
    if segment.compressed:
        try:
            yield from _by_index(segment, start)
            return
        except (OSError, ValueError, Broken, Unusable):
            pass  # it was copied without its index, or one of the two is damaged
    text = _dashed(start).encode()
    for reader, raw in readers.raw_lines(segment):
        if text in raw.data:
            line = _read(reader, raw)
            if line is not None and _begins(line, start):
                yield line


def _by_index(segment: Segment, start: str) -> Iterator[Line]:
    """Raises OSError, ValueError, Broken, or Unusable."""
    whole = bytes.fromhex(start[: len(start) // 2 * 2])
    for entry in look_up(index_path(segment.path), whole):
        if entry.exchange_id.hex().startswith(start):
            data = read_at(segment.path, entry.member, entry.offset, entry.length)
            line = read_line(data, segment.path)
            if not _begins(line, start):
                raise Unusable("the index is of another file")
            yield line


def _begins(line: Line, start: str) -> bool:
    return UUID(line.head.exchange_id).hex.startswith(start)


def _dashed(digits: str) -> str:
    """The beginning of a UUID as it is written."""
    groups = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(group for group in groups if group)


def _lines(segment: Segment, readers: _Readers, since: float, newest_first: bool) -> Iterator[Line]:
    """The transcripts of one segment."""
    for reader, raw in readers.raw_lines(segment, newest_first):
        line = _read(reader, raw)
        if line is None:
            continue
        if newest_first and line.head.written < since - CLOCK_SECONDS:
            return
        yield line


def _read(reader: SegmentReader, raw: Raw) -> Line | None:
    try:
        return read_line(raw.data, reader.path)
    except Unusable as error:
        reader.damage(raw, str(error))
        return None


def _merged(streams: dict[Segment, Iterator[Line]], newest_first: bool) -> Iterator[Line]:
    """The lines of all by when they were written. A stream is begun when its turn may have come."""
    sign = -1 if newest_first else 1
    waiting = [(-part.end if newest_first else part.begin, part) for part in streams]
    waiting.sort(reverse=True)
    heap: list[tuple[float, int, Line, Iterator[Line]]] = []
    number = count()
    while waiting or heap:
        while waiting and (not heap or waiting[-1][0] <= heap[0][0]):
            stream = streams[waiting.pop()[1]]
            for line in islice(stream, 1):
                heapq.heappush(heap, (sign * line.head.written, next(number), line, stream))
        if heap:
            _, _, line, stream = heap[0]
            yield line
            following = next(stream, None)
            if following is None:
                heapq.heappop(heap)
            else:
                place = sign * following.head.written
                heapq.heapreplace(heap, (place, next(number), following, stream))


def _newest_first(lines: Iterator[Line]) -> Iterator[Line]:
    """Lines that come by their exchanges' ends, by their beginnings.

    One is held back until no line still to come can have begun after it. Where that would be very
    many, the order is only about right.
    """
    heap: list[tuple[float, int, Line]] = []
    number = count()
    size = 0
    for line in lines:
        heapq.heappush(heap, (-line.head.time, next(number), line))
        size += len(line.data)
        sure = line.head.written + FLUSH_SECONDS
        while heap and (-heap[0][0] > sure or len(heap) > MOST_HELD or size > MOST_HELD_BYTES):
            first = heapq.heappop(heap)[2]
            size -= len(first.data)
            yield first
    yield from (heapq.heappop(heap)[2] for _ in range(len(heap)))
