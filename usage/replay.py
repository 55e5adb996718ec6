"""Take over the journals that dead workers left: their ends as they stand, the rest as crashed.

Whoever gets a worker's lock does it, alone; a worker that lives holds its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from usage.record import Record
from usage.segments import Lock, workers
from usage.tail import Tail

log = logging.getLogger("patchbay.books")

Enter = Callable[[list[Record], list[Record]], object]


def replay_left_overs(directory: Path, own: str, enter: Enter, go_on: Callable[[], bool]) -> int:
    """Replay what no living worker holds; returns how many damaged places were found.

    Raises what `enter` raises; the journal it was at is tried again later, from the start. Stops
    between two batches when `go_on` says no.
    """
    damaged = 0
    for worker in workers(directory):
        if worker != own and go_on():
            lock = Lock.take(directory, worker)
            if lock is not None:
                try:
                    damaged += _replay(directory, worker, lock, enter, go_on)
                finally:
                    lock.close()
    return damaged


def _replay(
    directory: Path, worker: str, lock: Lock, enter: Enter, go_on: Callable[[], bool]
) -> int:
    tail = Tail(directory, worker, alive=False)
    while batch := tail.read():
        enter(batch.ended, batch.counted)
        tail.accept(batch)
        if not go_on():
            return tail.damaged
    crashed = tail.open_records()
    for record in crashed:
        record.outcome, record.reason = "failed", "crashed"
    if crashed:
        log.warning(
            "A worker died with %d exchanges under way; they are in the books.", len(crashed)
        )
    enter(crashed, [])
    tail.remove()
    lock.remove()
    return tail.damaged
