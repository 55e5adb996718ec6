"""Search what was said by its meaning: the pieces whose vectors point where the question's does.

With pgvector the database compares them, else NumPy does, the newest up to a number.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from usage.models import Embedding, Passage, Transcript
from usage.transcripts import indexes
from usage.transcripts.passages import PASSAGES, Vector, mark, unit
from usage.transcripts.query import Query, snippet
from usage.transcripts.quotes import MOST, quote_at
from usage.transcripts.read_database import unpacked
from usage.transcripts.search import COLUMNS, Filters, Hit, condition

MOST_COMPARED = 50_000
"""Pieces that NumPy compares, the newest: in a second with SQLite, in three with PostgreSQL."""
ROWS_AT_ONCE = 2000
ARRAY_HEAD = 20
"""Bytes of an array before its first number, as PostgreSQL sends it; each has its size before it."""
MOST_COUNTED = 10_000

Scored = tuple[float, int, int]
"""(likeness, number of the transcript, position of the piece)."""


class MeaningUnavailable(Exception):
    """Vectors cannot be compared here; the text is a sentence that says what is missing."""


class FoundByMeaning(NamedTuple):
    """The transcripts nearest to a question, nearest first. `left_out` where older ones were not compared."""

    hits: list[Hit]
    left_out: bool = False
    before: None = None
    """There is no next page."""


def search_by_meaning(
    question: Vector, model: str, filters: Filters, limit: int, compared: int = MOST_COMPARED
) -> FoundByMeaning:
    """Transcripts that a model's vectors put nearest. Raises MeaningUnavailable.

    `compared` is how many NumPy looks at.
    """
    towards = unit(question)
    if towards is None:
        return FoundByMeaning([])
    made = Embedding.objects.filter(made_with=mark(model, towards))
    if filters != Filters():
        transcripts = Transcript.objects.filter(condition(filters)).order_by()
        made = made.filter(transcript__in=transcripts.values("number"))
    rows = Passage.objects.filter(transcript__in=made.values("transcript"))
    if has_pgvector():
        _check_indexes(len(towards))
        exact = filters != Filters()  # an index stops short where a filter leaves little
        nearest, left_out = _nearest_by_database(rows, towards, limit * MOST, exact), False
    else:
        nearest, left_out = _nearest_by_numpy(rows, towards, limit * MOST, compared)
    return FoundByMeaning(list(_hits(_best(nearest, limit))), left_out)


def check() -> None:
    """Raises MeaningUnavailable where no question could be answered."""
    if not has_pgvector():
        _numpy()


def _check_indexes(size: int) -> None:
    """Raises MeaningUnavailable where one keeps vectors of this length out: then nothing is found."""
    with connection.cursor() as cursor:
        cursor.execute(indexes.OTHERS, indexes.others(size))
        for name, length in cursor.fetchall():
            raise MeaningUnavailable(indexes.in_the_way(name, length, size))


def waiting(model: str) -> int:
    """How many transcripts are to be embedded, counted up to one more than MOST_COUNTED."""
    others = Q(made_with__isnull=True) | ~Q(made_with__startswith=mark(model))
    return Embedding.objects.filter(others)[: MOST_COUNTED + 1].count()


def has_pgvector() -> bool:
    """Whether this database has the extension, in reach."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_extension "
            "WHERE extname = 'vector' AND to_regtype('vector') IS NOT NULL"
        )
        return cursor.fetchone() is not None


def _nearest_by_database(
    rows: QuerySet[Passage], towards: Vector, most: int, exact: bool
) -> list[Scored]:
    """The cast lets an operator make an index of it; `exact` goes past it."""
    size = len(towards)
    asked = "[" + ",".join(map(repr, towards)) + "]"
    away = f"({PASSAGES}.embedding::vector({size}) <=> %s::vector({size}))"
    distance = RawSQL(f"{away} + 0" if exact else away, [asked])  # noqa: S611 — a number and ours
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hnsw.ef_search', %s, true)", [str(most)])
        found = rows.order_by(distance).annotate(away=distance)
        nearest = list(found.values_list("away", "transcript_id", "position")[:most])
    return [(1 - away, number, position) for away, number, position in nearest]


def _nearest_by_numpy(
    rows: QuerySet[Passage], towards: Vector, most: int, compared: int
) -> tuple[list[Scored], bool]:
    """The nearest pieces, and whether there were more than `compared`. Memory is bounded."""
    numpy = _numpy()
    array = connection.vendor == "postgresql"
    kind, each = (numpy.dtype(">f4"), 2) if array else (numpy.dtype("<f2"), 1)
    head = ARRAY_HEAD if array else 0
    asked = numpy.asarray(towards, dtype=numpy.float32)
    nearest: list[Scored] = []
    count = 0
    # within one PostgreSQL sends rows as they are read; in SQLite it would hold up writers
    with transaction.atomic() if array else nullcontext():
        stored = "array_send(embedding)" if array else "embedding"
        for batch in _batches(rows, stored, compared):
            count += len(batch)
            numbers = numpy.frombuffer(b"".join(row[2][head:] for row in batch), dtype=kind)
            matrix = numbers.reshape(len(batch), len(towards), each)[:, :, -1]
            scores = (matrix.astype(numpy.float32) @ asked).tolist()
            scored = ((score, *row[:2]) for score, row in zip(scores, batch, strict=True))
            nearest = heapq.nlargest(most, (*nearest, *scored))
    return nearest, count == compared and rows[: compared + 1].count() > compared


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise MeaningUnavailable(
            "Search by meaning needs NumPy here, which is not installed. "
            "Install it with: pip install -r requirements-meaning.in"
        ) from None
    return numpy


def _batches(
    rows: QuerySet[Passage], stored: str, compared: int
) -> Iterator[list[tuple[int, int, bytes]]]:
    """(transcript, position, the numbers' bytes), of the newest transcripts first."""
    newest = rows.annotate(stored=RawSQL(stored, [])).order_by("-transcript_id")[:compared]  # noqa: S611
    found = newest.values_list("transcript_id", "position", "stored").iterator(ROWS_AT_ONCE)
    while batch := list(islice(found, ROWS_AT_ONCE)):
        yield [(number, position, bytes(data)) for number, position, data in batch]


def _best(nearest: Iterable[Scored], limit: int) -> list[Scored]:
    """The best piece of each transcript."""
    best: dict[int, Scored] = {}
    for scored in sorted(nearest, reverse=True):
        best.setdefault(scored[1], scored)
    return list(best.values())[:limit]


def _hits(best: list[Scored]) -> Iterator[Hit]:
    numbers = [number for _, number, _ in best]
    rows = Transcript.objects.filter(number__in=numbers).values_list(*COLUMNS)
    known = {row[0]: row for row in rows}
    for _, number, position in best:
        if number in known:  # it may be gone meanwhile
            yield _hit(known[number], position)


def _hit(row: tuple[Any, ...], position: int) -> Hit:
    line = unpacked(row[-1])
    quote = quote_at(line, position) if line is not None else None
    pieces = snippet(Query(), quote.text) if quote is not None else []
    closed = line.head.bodies().closed if line is not None else ""
    return Hit._make((*row[1:-1], quote.role if quote is not None else "", pieces, closed))
