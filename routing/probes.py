"""Is this worker alive, and should it get traffic? Pure: state in, answers out."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

OVERDUE_SECONDS = 15.0
"""Since the database was last read; one that takes longer to answer is as good as away."""


class Check(NamedTuple):
    """One thing looked at. `fails`: a worker that fails it should get no traffic."""

    name: str
    ok: bool
    text: str
    fails: bool = True


class Condition(NamedTuple):
    """What the checks look at. `snapshot_age` is in seconds; `out_of_date` is what requests hear."""

    ready: bool
    draining: bool
    snapshot_number: int
    snapshot_age: float
    out_of_date: bool
    journal_writable: bool
    database_error: bool
    log_problem: str


def checks(condition: Condition) -> list[Check]:
    """Database trouble alone only degrades: known keys go on being served from memory. So does the log's.

    Strangers read the texts, so what the database said is in the log alone.
    """
    away = condition.database_error or condition.snapshot_age > OVERDUE_SECONDS
    return [
        Check("draining", not condition.draining, "going down" if condition.draining else "no"),
        Check(
            "snapshot",
            condition.ready and not condition.out_of_date,
            f"configuration version {condition.snapshot_number}"
            if condition.ready
            else "keys and configuration are not loaded yet",
        ),
        Check(
            "journal",
            condition.journal_writable,
            "writable" if condition.journal_writable else "the journal cannot be written",
        ),
        Check(
            "database",
            not away,
            "unreachable" if away else "reachable",
            fails=False,
        ),
        Check("log", not condition.log_problem, condition.log_problem or "well", fails=False),
    ]


def answer(found: list[Check]) -> tuple[int, bytes]:
    """(status, JSON) of the readiness probe."""
    failing = any(check.fails and not check.ok for check in found)
    degraded = any(not check.ok for check in found)
    status = "not ready" if failing else "degraded" if degraded else "ready"
    body = {
        "status": status,
        "checks": {check.name: {"ok": check.ok, "text": check.text} for check in found},
    }
    return (503 if failing else 200), msgspec.json.encode(body)
