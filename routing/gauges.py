"""What Prometheus is told of a worker's state, brought up to date now and then."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge


class State(NamedTuple):
    """A worker at one moment. Ages are in seconds."""

    in_flight: int
    client_connections: int
    upstream_connections: int
    journal_backlog: int
    snapshot_number: int
    snapshot_age: float
    snapshots_refused: int
    log_lines_dropped: int
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
        self._dropped = summed(
            "patchbay_log_lines_dropped", "Log lines that came faster than they could be written."
        )
        self._lost = summed(
            "patchbay_records_lost", "Records that neither disk nor memory could take."
        )
        self._number = Gauge(
            "patchbay_snapshot_number",
            "The configuration version in use; the oldest over all workers.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._age = Gauge(
            "patchbay_snapshot_age_seconds",
            "Since the configuration was last compared with the database; the longest of all workers.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.all = (
            self._in_flight,
            self._clients,
            self._upstream,
            self._backlog,
            self._refused,
            self._dropped,
            self._lost,
            self._number,
            self._age,
        )

    def show(self, state: State) -> None:
        self._in_flight.set(state.in_flight)
        self._clients.set(state.client_connections)
        self._upstream.set(state.upstream_connections)
        self._backlog.set(state.journal_backlog)
        self._refused.set(state.snapshots_refused)
        self._dropped.set(state.log_lines_dropped)
        self._lost.set(state.records_lost)
        self._number.set(state.snapshot_number)
        self._age.set(state.snapshot_age)
