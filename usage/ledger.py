"""Enter records into the books: new rows, and the sums over exactly those, in one transaction.

It decides what a row looks like and what is added to which rollup; how a database takes it is
the store's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec
from django.db.models import CharField

from usage.fit import BIGGEST, fit_number, fit_text, fit_value
from usage.model_names import MOST_MODELS, ModelNames
from usage.models import UsageRecord, UsageRollup
from usage.record import AttemptRecord, Record
from usage.rollup import (
    HOUR,
    MINUTE,
    MINUTES_KEPT_SECONDS,
    Key,
    Sums,
    merged,
    sum_up,
)
from usage.store import Row, Store

RECORDS = UsageRecord._meta.db_table
ROLLUPS = UsageRollup._meta.db_table
COLUMNS = Record.__struct_fields__
TEXTS: dict[str, int] = {
    field.name: field.max_length
    for field in UsageRecord._meta.get_fields()
    if isinstance(field, CharField) and field.max_length
}
TEXT_AT = [(index, TEXTS[name]) for index, name in enumerate(COLUMNS) if name in TEXTS]
NUMBER_AT = [
    index
    for index, kind in enumerate(Record.__annotations__.values())
    if kind in ("int", "int | None")
]
COST_AT = COLUMNS.index("cost_nano")
NESTED_AT = [
    (COLUMNS.index(name), text)
    for name, text in (
        ("tags", "{}"),
        ("other_units", "{}"),
        ("attempts", "[]"),
        ("losses", "[]"),
        ("edits", "[]"),
    )
]
KEY_COLUMNS = Key._fields
SUM_COLUMNS = (
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nano",
    "unpriced",
)
HISTOGRAMS = ("total_ms_counts", "first_content_ms_counts")
KEYS_AT_ONCE = 400

log = logging.getLogger("patchbay.books")
_counts = itemgetter(*(index for index in NUMBER_AT if index != COST_AT))
_json = msgspec.json.Encoder()


class Ledger:
    """The books in one database, through one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names = ModelNames()

    def enter(self, ended: list[Record], counted: list[Record]) -> tuple[int, list[Record]]:
        """Add records, and the sums over those that are new and over `counted`.

        Returns how many rows were new, and records that no database would take. All of the rest
        is committed when this returns.
        """
        try:
            with self._store.transaction():
                return self._enter(ended, counted), []
        except self._store.refusals:
            if len(ended) + len(counted) == 1:
                return self._enter_cut(ended, counted)
        both = [(record, True) for record in ended] + [(record, False) for record in counted]
        middle = len(both) // 2
        new, refused = 0, []
        for half in (both[:middle], both[middle:]):
            more, outcasts = self.enter([r for r, e in half if e], [r for r, e in half if not e])
            new += more
            refused += outcasts
        return new, refused

    def _enter_cut(self, ended: list[Record], counted: list[Record]) -> tuple[int, list[Record]]:
        """One last try with the one record that is at fault, every value cut to size."""
        try:
            with self._store.transaction():
                return self._enter([cut(r) for r in ended], [cut(r) for r in counted]), []
        except self._store.refusals as error:
            log.error("the database does not take a record: %s", error)
            return 0, ended + counted

    def _enter(self, ended: list[Record], counted: list[Record]) -> int:
        fitted = [fit(record) for record in ended]
        new: set[str] = set()
        if fitted:
            new = self._store.insert(RECORDS, COLUMNS, [row_of(record) for record in fitted])
        once = {record.exchange_id.hex(): record for record in fitted}
        entered = [record for identifier, record in once.items() if identifier in new]
        entered += [fit(record) for record in counted]
        if entered:
            self._learn_names(entered)
            self._add_sums(sum_up(entered, self._names))
        return len(new)

    def _learn_names(self, records: Iterable[Record]) -> None:
        for provider in {record.provider_name for record in records}:
            if not self._names.knows(provider):
                rows = self._store.query(
                    f"SELECT DISTINCT request_model FROM {ROLLUPS} "  # noqa: S608 — our names
                    "WHERE grain = %s AND provider_name = %s LIMIT %s",
                    [HOUR, provider, MOST_MODELS + 1],
                )
                self._names.learn(provider, (name for (name,) in rows))

    def _add_sums(self, rollups: dict[Key, Sums]) -> None:
        self._store.lock_sums()
        rows = {self._key_row(key): sums for key, sums in rollups.items()}
        existing = self._existing(list(rows))
        set_sums = ", ".join(f"{name} = {name} + %s" for name in SUM_COLUMNS)
        set_histograms = ", ".join(f"{name} = %s" for name in HISTOGRAMS)
        changed = [
            (*_numbers(sums), *_histograms(sums, existing[key][1:]), existing[key][0])
            for key, sums in rows.items()
            if key in existing
        ]
        added = [
            (*key, *_numbers(sums), *_histograms(sums, ()))
            for key, sums in rows.items()
            if key not in existing
        ]
        if changed:
            self._store.execute_many(
                f"UPDATE {ROLLUPS} SET {set_sums}, {set_histograms} WHERE id = %s",  # noqa: S608 — ours
                changed,
            )
        if added:
            columns = (*KEY_COLUMNS, *SUM_COLUMNS, *HISTOGRAMS)
            self._store.execute_many(
                f"INSERT INTO {ROLLUPS} ({', '.join(columns)}) "  # noqa: S608 — our names
                f"VALUES ({', '.join(['%s'] * len(columns))})",
                added,
            )

    def _key_row(self, key: Key) -> Row:
        return (key.grain, self._store.moment(key.bucket), *key[2:])

    def _existing(self, keys: list[Row]) -> dict[Row, Row]:
        """Id and histograms of the rollups that are there already."""
        found: dict[Row, Row] = {}
        width = len(KEY_COLUMNS)
        for start in range(0, len(keys), KEYS_AT_ONCE):
            piece = keys[start : start + KEYS_AT_ONCE]
            values = [value for key in piece for value in key]
            for row in self._store.query(_look_up(len(piece)), values):
                found[row[:width]] = row[width:]
        return found

    def prune(self, now: float | None = None) -> None:
        """Drop minute rollups that are older than they are kept."""
        oldest = (time.time() if now is None else now) - MINUTES_KEPT_SECONDS
        with self._store.transaction():
            self._store.query(
                f"DELETE FROM {ROLLUPS} WHERE grain = %s AND bucket < %s",  # noqa: S608 — our names
                [MINUTE, self._store.moment(oldest)],
            )

    def ping(self) -> None:
        """Raise if the database does not answer."""
        self._store.query("SELECT 1")

    def close(self) -> None:
        self._store.close()


def fit(record: Record) -> Record:
    """The record itself, or one cut to what the columns hold."""
    values = msgspec.structs.astuple(record)
    for index, longest in TEXT_AT:
        value = values[index]
        if len(value) > longest or "\0" in value:
            return cut(record)
    if max(_counts(values)) > BIGGEST or (values[COST_AT] or 0) > BIGGEST:
        return cut(record)
    return record


def cut(record: Record) -> Record:
    """A record whose texts and numbers all fit their columns."""
    fitted = list(msgspec.structs.astuple(record))
    for index, longest in TEXT_AT:
        fitted[index] = fit_text(fitted[index], longest)
    for index in NUMBER_AT:
        if fitted[index] is not None:
            fitted[index] = fit_number(fitted[index])
    return Record(**dict(zip(COLUMNS, fitted, strict=True)))


def row_of(record: Record) -> Row:
    """A row of UsageRecord, in the order of COLUMNS, as both databases take it."""
    values = list(msgspec.structs.astuple(record))
    values[0] = record.exchange_id.hex()
    values[1] = moment_text(record.started_at)
    for index, empty in NESTED_AT:
        values[index] = nested_text(values[index]) if values[index] else empty
    return tuple(values)


def moment_text(seconds: float) -> str:
    """A time in UTC to the microsecond, as Django's SQLite columns keep it and PostgreSQL reads it."""
    whole = int(seconds)
    return f"{_second_text(whole)}.{int((seconds - whole) * 1_000_000):06d}"


@lru_cache(maxsize=128)
def _second_text(whole: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(whole))


def nested_text(value: Any) -> str:
    """A dict or list as JSON; attempts become objects that name their fields."""
    if isinstance(value, list) and value and isinstance(value[0], AttemptRecord):
        value = [msgspec.structs.asdict(attempt) for attempt in value]
    text = _json.encode(value).decode()
    return _json.encode(fit_value(value)).decode() if "\\u0000" in text else text


def _look_up(keys: int) -> str:
    """The query for this many rollups, with each key as it was asked for.

    A join, because `IN (VALUES …)` makes SQLite read the whole table.
    """
    one = f"({', '.join(['%s'] * len(KEY_COLUMNS))})"
    wanted = ", ".join(f"wanted_{name}" for name in KEY_COLUMNS)
    alike = " AND ".join(f"{name} = wanted_{name}" for name in KEY_COLUMNS)
    return (
        f"WITH wanted ({wanted}) AS (VALUES {', '.join([one] * keys)}) "  # noqa: S608 — our names
        f"SELECT {wanted}, id, {', '.join(HISTOGRAMS)} "
        f"FROM wanted CROSS JOIN {ROLLUPS} WHERE {alike}"
    )


def _numbers(sums: Sums) -> Row:
    return tuple(getattr(sums, name) for name in SUM_COLUMNS)


def _histograms(sums: Sums, stored: Row) -> list[str]:
    """The histograms of these sums added to those of a row, as JSON."""
    texts = stored or ("[]",) * len(HISTOGRAMS)
    return [
        _json.encode(
            merged(getattr(sums, name), msgspec.json.decode(text, type=list[int]))
        ).decode()
        for name, text in zip(HISTOGRAMS, texts, strict=True)
    ]
