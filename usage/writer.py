"""The writer thread: carry the journal into the database, and the left-overs of dead workers.

It reads entries from disk, so however long the database is away it holds only one batch in
memory; nothing leaves the disk before it is committed.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from django.db.backends.base.base import BaseDatabaseWrapper

from usage.ledger import Ledger
from usage.record import Record
from usage.replay import replay_left_overs
from usage.segments import bytes_after, end_of_journal
from usage.store import open_store, own_connection
from usage.tail import Tail, set_aside
from usage.transcripts.database import TranscriptTable

POLL_SECONDS = 0.2
ROUND_SECONDS = 5.0
PRUNE_SECONDS = 600.0
LONGEST_BACK_OFF = 3.0

log = logging.getLogger("patchbay.books")


class Writer:
    """One worker's writer. `start` it once its Journal is open; `stop` it when nothing is added.

    It also drops transcripts of the database that are older than `transcript_days`; 0 keeps them.
    """

    def __init__(
        self,
        journal_directory: Path,
        worker: str,
        connect: Callable[[], BaseDatabaseWrapper] = own_connection,
        transcript_days: float = 0.0,
    ) -> None:
        self._directory = journal_directory
        self._transcript_days = transcript_days
        self._worker = worker
        self._connect = connect
        self._tail = Tail(journal_directory, worker, alive=True)
        self._ledger: Ledger | None = None
        self._transcripts: TranscriptTable | None = None
        self._thread = threading.Thread(target=self._run, name="books-writer", daemon=True)
        self._wake = threading.Event()
        self._progress = threading.Condition()
        self._stopping = False
        self._round_at = 0.0
        self._prune_at = 0.0
        self._rounds = 0
        self._caught_up_at = time.monotonic()
        self._error = ""
        self._records = 0
        self._refused = 0
        self._damaged = 0

    def start(self) -> None:
        self._thread.start()

    def flush(self, timeout: float) -> bool:
        """Wait until the database has all that was journaled so far, left-overs included.

        Returns whether it has.
        """
        target = end_of_journal(self._directory, self._worker)
        self._round_at = 0.0
        rounds = self._rounds
        self._wake.set()
        with self._progress:
            return self._progress.wait_for(
                lambda: self._rounds > rounds and self._tail.position.place >= target, timeout
            )

    def stop(self, timeout: float) -> bool:
        """Flush, then end the thread; what is not in the database by then stays on disk."""
        until = time.monotonic() + timeout
        flushed = self.flush(timeout)
        self._stopping = True
        self._wake.set()
        self._thread.join(max(0.1, until - time.monotonic()))
        return flushed

    def state(self) -> dict[str, Any]:
        """How the books stand, for probes and metrics.

        `error` is what keeps it from writing now, "" if nothing does; `behind_seconds` is how
        long ago the database last had everything; `refused` are records that it would not take
        and `damaged` places in journals, both kept aside as `.bad`.
        """
        backlog = bytes_after(self._directory, self._worker, self._tail.position)
        return {
            "error": self._error,
            "backlog_bytes": backlog,
            "behind_seconds": time.monotonic() - self._caught_up_at if backlog else 0.0,
            "records": self._records,
            "refused": self._refused,
            "damaged": self._damaged + self._tail.damaged,
        }

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self._wake.clear()
            try:
                pause = 0.0 if self._turn() else POLL_SECONDS
                failures, self._error = 0, ""
            except Exception as error:  # noqa: BLE001 — whatever it is, usage must reach the books
                failures += 1
                self._trouble(error, first=failures == 1)
                longest = min(LONGEST_BACK_OFF, POLL_SECONDS * 2 ** min(failures, 10))
                pause = random.uniform(longest / 2, longest)  # noqa: S311 — jitter
            if pause:
                self._wake.wait(pause)
        self._disconnect()

    def _turn(self) -> bool:
        """One piece of work; returns whether there may be more at once."""
        if time.monotonic() >= self._round_at:
            self._round()
        batch = self._tail.read()
        if batch is None:
            self._caught_up_at = time.monotonic()
            self._tail.remove_finished()
            return False
        self._enter(batch.ended, batch.counted)
        self._tail.accept(batch)
        self._tell()
        return True

    def _round(self) -> None:
        """What is done now and then: left-overs, a look at the database, what is past its time."""
        self._round_at = time.monotonic() + ROUND_SECONDS
        ledger = self._open()
        ledger.ping()
        self._damaged += replay_left_overs(
            self._directory, self._worker, self._enter, lambda: not self._stopping
        )
        if time.monotonic() >= self._prune_at:
            ledger.prune()
            if self._prune_transcripts():
                self._prune_at = time.monotonic() + PRUNE_SECONDS
        self._rounds += 1
        self._tell()

    def _prune_transcripts(self) -> bool:
        """Whether no old ones are left for now. The books do not wait for what goes wrong here."""
        try:
            return self._transcripts is None or self._transcripts.prune(self._transcript_days)
        except Exception as error:  # noqa: BLE001 — where the connection broke, the books will notice
            log.warning("old transcripts cannot be removed: %s", type(error).__name__)
            return True

    def _enter(self, ended: list[Record], counted: list[Record]) -> None:
        if ended or counted:
            new, refused = self._open().enter(ended, counted)
            self._records += new
            for record in refused:
                self._refused += 1
                line = msgspec.json.encode(msgspec.to_builtins(record)) + b"\n"
                set_aside(self._directory / f"{self._worker}.bad", line)

    def _tell(self) -> None:
        with self._progress:
            self._progress.notify_all()

    def _open(self) -> Ledger:
        if self._ledger is None:
            store = open_store(self._connect())
            self._ledger, self._transcripts = Ledger(store), TranscriptTable(store)
        return self._ledger

    def _trouble(self, error: Exception, first: bool) -> None:
        self._round_at = 0.0
        self._error = f"{type(error).__name__}: {error}".strip()
        if first:
            log.warning("the books cannot be written, and will be: %s", self._error)
        self._disconnect()

    def _disconnect(self) -> None:
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            try:
                ledger.close()
            except Exception as error:  # noqa: BLE001 — a broken connection may not even close
                log.debug("A connection of the books did not close: %s", error)
