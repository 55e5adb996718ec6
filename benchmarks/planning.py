"""Planning with and without the Snapshot: configuration compiled once, or read for each request."""

from __future__ import annotations

import json

from benchmarks.figure import Figure
from benchmarks.gateway import manage

WORK = "from benchmarks.rows_or_snapshot import main; main()"
MOST = 0.02


def measure(environment: dict[str, str]) -> list[Figure]:
    """Needs a database that a bench has prepared."""
    took = json.loads(manage(environment, "shell", "--verbosity", "0", "-c", WORK))
    rows, snapshot = took["rows"], took["snapshot"]
    note = (
        f"{snapshot:.1f} µs against {rows:.0f} µs through the ORM; "
        f"compiling the document takes {took['compile']:.0f} µs"
    )
    what = "planning from the Snapshot, of planning from rows"
    return [Figure(what, snapshot / rows, "x", most=MOST, note=note)]
