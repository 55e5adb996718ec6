"""Search what was said, in the database: newest first, a page at a time.

The index knows which words a transcript has; whether they stand side by side is looked up in it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q

from usage.models import Transcript
from usage.transcripts.database import TABLE
from usage.transcripts.query import Piece, Query, read_query, snippet
from usage.transcripts.read_database import unpacked
from usage.transcripts.spoken import spoken

IN_INDEX = f"number IN (SELECT rowid FROM {TABLE}_index WHERE {TABLE}_index MATCH %s)"  # noqa: S608 — ours
CANDIDATES_AT_ONCE = 100
SEARCH_SECONDS = 3.0
"""How long one page is looked for; what is not looked through by then is for the next."""
HEAD = ("started_at", "client_key", "team", "session", "end_user", "model", "provider", "outcome")
COLUMNS = ("number", "exchange_id", *HEAD, "status", "line")


class Filters(NamedTuple):
    """What a transcript must be; an empty member asks nothing. `status` may be a class such as `5xx`."""

    key: str = ""
    team: str = ""
    session: str = ""
    end_user: str = ""
    model: str = ""
    provider: str = ""
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Hit(NamedTuple):
    """A transcript that was found, and a piece of it with the words in it; `role` says whose.

    `closed` is a sentence that says why nothing of it can be shown.
    """

    exchange_id: UUID
    started_at: datetime
    client_key: str
    team: str
    session: str
    end_user: str
    model: str
    provider: str
    outcome: str
    status: int
    role: str
    snippet: list[Piece]
    closed: str


class Found(NamedTuple):
    """A page of hits. `before` is where the next one begins, None if there is none."""

    hits: list[Hit]
    before: int | None


def search(text: str, filters: Filters, limit: int, before: int | None = None) -> Found:
    """Transcripts in which all that was typed was said, newest first; without a text, the newest.

    Those that are sealed have no words in the index, and are found without a text alone. A page may
    have fewer hits than `limit` and yet not be the last.
    """
    query = read_query(text)
    if text.strip() and not query.words:
        return Found([], None)
    hits: list[Hit] = []
    until = time.monotonic() + SEARCH_SECONDS
    for row in _candidates(query, filters, limit, before):
        if len(hits) == limit or time.monotonic() >= until:
            return Found(hits, before)
        before = row[0]
        hit = _hit(query, row)
        if hit is not None:
            hits.append(hit)
    return Found(hits, None)


def _candidates(
    query: Query, filters: Filters, limit: int, before: int | None
) -> Iterator[tuple[Any, ...]]:
    """Rows that have all of the words, in pieces: most searches end with the first."""
    at_once = max(limit + 1, CANDIDATES_AT_ONCE if query.has_phrases else 0)
    while True:
        rows = _rows(query, filters, at_once, before)
        yield from rows
        if len(rows) < at_once:
            return
        before = rows[-1][0]


def _rows(
    query: Query, filters: Filters, limit: int, before: int | None
) -> Sequence[tuple[Any, ...]]:
    rows = Transcript.objects.order_by("-number").filter(condition(filters))
    if before is not None:
        rows = rows.filter(number__lt=before)
    if query.words:
        where, values = _match(query.words)
        rows = rows.extra(where=[where], params=[values])  # noqa: S610 — the values are bound
    return list(rows.values_list(*COLUMNS)[:limit])


def _match(words: list[str]) -> tuple[str, str]:
    """The condition and its parameter. Words are letters and digits alone, so none is an operator."""
    if connection.vendor == "postgresql":
        return "words @@ %s::tsquery", " & ".join(f"'{word}'" for word in words)
    return IN_INDEX, " AND ".join(f'"{word}"' for word in words)


def condition(filters: Filters) -> Q:
    """What a transcript must be, as the database is asked."""
    names = {"key": "client_key", "since": "started_at__gte", "until": "started_at__lt"}
    asked = {name: _askable(value) for name, value in filters._asdict().items()}
    model, status = asked.pop("model"), asked.pop("status")
    found = Q(**{names.get(name, name): value for name, value in asked.items() if value})
    if model:
        found &= Q(model=model) | Q(request_model=model)
    if status:
        found &= _status(status)
    return found


def _askable(value: Any) -> Any:
    """PostgreSQL takes no U+0000, not even in a question."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _status(status: str) -> Q:
    """A number or a class; what is neither is no status that a transcript has."""
    if re.fullmatch("[0-9][xX]{2}", status):
        return Q(status__range=(int(status[0]) * 100, int(status[0]) * 100 + 99))
    return Q(status=int(status)) if re.fullmatch("[0-9]{1,4}", status) else Q(pk__in=())


def _hit(query: Query, row: tuple[Any, ...]) -> Hit | None:
    """None where the words do not stand side by side as they should."""
    line = unpacked(row[-1])
    texts = spoken(line) if line is not None else []
    if query.has_phrases and not query.stands_in([each.text for each in texts]):
        return None
    shown = next((each for each in texts if query.found_in(each.text)), texts[0] if texts else None)
    pieces = snippet(query, shown.text) if shown is not None else []
    closed = line.head.bodies().closed if line is not None else ""
    return Hit._make((*row[1:-1], shown.role if shown is not None else "", pieces, closed))
