"""One JSON line for each request, written off the request's way."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from routing.exchange import id_text

if TYPE_CHECKING:
    from usage.record import Record

FLUSH_SECONDS = 0.2
MOST_WAITING = 20_000

_encode = msgspec.json.encode


class LogLines:
    """Lines wait in memory for a thread that writes them, so that a slow terminal stops nobody.

    Where lines come faster than they can be written, the excess is dropped and counted.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: deque[bytes] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="patchbay-log", daemon=True)
        self.dropped = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what waits and end the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def exchange(self, record: Record) -> None:
        """The line of one exchange."""
        self._add(
            {
                "time": record.started_at,
                "event": "request",
                "id": id_text(record.exchange_id),
                "key": record.client_key_name,
                "team": record.team_name,
                "rule": record.rule_name,
                "provider": record.provider_name,
                "model": record.original_model,
                "request_model": record.request_model,
                "outcome": record.outcome,
                "reason": record.reason,
                "status": record.status,
                "stream": record.stream,
                "input_tokens": record.input_tokens,
                "output_tokens": record.output_tokens,
                "cost_nano": record.cost_nano,
                "first_content_ms": record.first_content_ms,
                "total_ms": record.total_ms,
                "attempts": len(record.attempts),
            }
        )

    def refusal(self, now: float, identifier: str, reason: str) -> None:
        """The line of a refusal that no record is kept of."""
        self._add({"time": now, "event": "refused", "id": identifier, "reason": reason})

    def _add(self, line: dict[str, object]) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(_encode(line))

    def _run(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            self._flush()
        self._flush()

    def _taken(self) -> list[bytes]:
        """What waits, one by one: requests add to it meanwhile."""
        taken: list[bytes] = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def _flush(self) -> None:
        lines = self._taken()
        if not lines:
            return
        data = b"\n".join(lines) + b"\n"
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            self.dropped += len(lines)
