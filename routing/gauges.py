"""What Prometheus is told of a worker's state, brought up to date now and then."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge

from routing.log_lines import LogState


class State(NamedTuple):
    """A worker at one moment. Ages are in seconds."""

    in_flight: int
    client_connections: int
    upstream_connections: int
    journal_backlog: int
    snapshot_number: int
    snapshot_age: float
    snapshots_refused: int
    log: LogState
    records_lost: int


class Gauges:
    """Gauges of one worker; over several workers they are summed, or the extreme one counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        summed = partial(Gauge, registry=registry, multiprocess_mode="livesum")
        self._in_flight = summed("patchbay_in_flight", "Requests in hand.")
        self._clients = summed("patchbay_client_connections", "Open connections of clients.")
        self._upstream = summed("patchbay_upstream_connections", "Open connections to providers.")
        self._backlog = summed(
            "patchbay_journal_backlog", "Journal entries that the database does not have yet."
        )
        self._refused = summed(
            "patchbay_snapshots_refused", "Published configurations that did not compile."
        )
        self._lost = summed(
            "patchbay_records_lost", "Records that neither disk nor memory could take."
        )
        extreme = partial(Gauge, registry=registry)
        self._number = extreme(
            "patchbay_snapshot_number",
            "The configuration version in use; the oldest over all workers.",
            multiprocess_mode="livemin",
        )
        self._age = extreme(
            "patchbay_snapshot_age_seconds",
            "Since the configuration was last compared with the database; the longest of all workers.",
            multiprocess_mode="livemax",
        )
        self._log = LogGauges(registry)
        self.all = (
            self._in_flight,
            self._clients,
            self._upstream,
            self._backlog,
            self._refused,
            self._lost,
            self._number,
            self._age,
            *self._log.all,
        )

    def show(self, state: State) -> None:
        self._in_flight.set(state.in_flight)
        self._clients.set(state.client_connections)
        self._upstream.set(state.upstream_connections)
        self._backlog.set(state.journal_backlog)
        self._refused.set(state.snapshots_refused)
        self._lost.set(state.records_lost)
        self._number.set(state.snapshot_number)
        self._age.set(state.snapshot_age)
        self._log.show(state.log)


class LogGauges:
    """Gauges of the log. Workers share one file, so of what they see of it the extreme counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def made(name: str, text: str, mode: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]

        self._written = made(
            "patchbay_log_lines_written", "Log lines written.", "livesum", "output"
        )
        self._dropped = made(
            "patchbay_log_lines_dropped",
            "Log lines that could not be written.",
            "livesum",
            "output",
        )
        self._bytes = made(
            "patchbay_log_bytes", "Size of the files of log and transcripts.", "livemax"
        )
        self._files = made(
            "patchbay_log_files", "Files of log and transcripts, rotated ones too.", "livemax"
        )
        self._healthy = made(
            "patchbay_log_healthy", "1 where the log is well on all workers, else 0.", "livemin"
        )
        self.all = (self._written, self._dropped, self._bytes, self._files, self._healthy)

    def show(self, state: LogState) -> None:
        for output, count in state.written.items():
            self._written.labels(output).set(count)
        for output, count in state.dropped.items():
            self._dropped.labels(output).set(count)
        self._bytes.set(state.bytes)
        self._files.set(state.files)
        self._healthy.set(not state.problem)
