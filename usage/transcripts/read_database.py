"""Read transcripts from the database: one by its id, or those that may be of one conversation."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from usage.models import Transcript
from usage.transcripts.database import PLACE
from usage.transcripts.stored import Line, Unusable, read_line

AT_ONCE = 50


def find_in_database(exchange_id: UUID) -> Line | None:
    """The transcript of an exchange."""
    rows = Transcript.objects.filter(exchange_id=exchange_id).values_list("line", flat=True)
    data = rows.first()
    return None if data is None else unpacked(data)


def alike_in_database(line: Line, since: float, until: float) -> Iterator[Line]:
    """Transcripts of the same key and session that began in a span of time, as they were written."""
    rows = Transcript.objects.filter(
        client_key=line.head.client_key,
        session=line.head.session,
        started_at__range=(datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC)),
    )
    for data in rows.order_by("number").values_list("line", flat=True).iterator(AT_ONCE):
        found = unpacked(data)
        if found is not None:
            yield found


def unpacked(data: bytes | memoryview) -> Line | None:
    """The line of a row; None where it is damaged, or of a later version."""
    try:
        return read_line(zlib.decompress(data), PLACE)
    except (zlib.error, Unusable):
        return None
