"""Indexes that an operator has made of passages for pgvector, where they do not fit a model's vectors."""

from __future__ import annotations

from usage.models import Passage

OTHERS = """
    SELECT shape.indexrelid::regclass::text, part.atttypmod
    FROM pg_index shape
    JOIN pg_attribute part ON part.attrelid = shape.indexrelid
    JOIN pg_type kind ON kind.oid = part.atttypid AND kind.typname IN ('vector', 'halfvec')
    WHERE shape.indrelid = %s::regclass AND shape.indpred IS NULL AND shape.indisready
        AND part.atttypmod > 0 AND part.atttypmod <> %s
    ORDER BY 1 LIMIT 1
"""
"""Takes the two values of `others`; such an index has the database refuse vectors of that length."""


def others(size: int) -> list[str | int]:
    return [Passage._meta.db_table, size]


def in_the_way(name: str, length: int, size: int) -> str:
    """The sentence. Dropping is the operator's to do: an index may have taken hours to make."""
    return (
        f"The index {name} is for vectors of {length} numbers, and the embedding model's have {size}: "
        f"drop it (DROP INDEX {name}), and what waits is embedded."
    )
