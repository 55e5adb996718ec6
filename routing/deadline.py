"""One deadline a request, watched for all requests by one sweeper.

A time-out object per stage costs 4 µs; a deadline here costs an attribute. The sweeper cancels
the request's task, and whoever catches the CancelledError asks `take()` why.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

SWEEP_SECONDS = 0.05


class Deadline:
    """`passed` is the reason for which the task was cancelled, until `take` hands it over."""

    __slots__ = ("_at", "_reason", "_task", "passed")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._at = float("inf")
        self._reason = ""
        self.passed = ""

    def set(self, seconds: float, reason: str) -> float:
        """Cancel the task for `reason` in `seconds`, unless set again before. Returns what time it is."""
        now = monotonic()
        self._at = now + seconds
        self._reason = reason
        return now

    def clear(self) -> None:
        self._at = float("inf")

    def check(self, now: float) -> None:
        if now >= self._at:
            self.interrupt(self._reason)

    def interrupt(self, reason: str) -> None:
        """Cancel the request for `reason`; a second reason does not replace the first."""
        self._at = float("inf")
        if not self.passed:
            self.passed = reason
            self._task.cancel()

    def take(self) -> str:
        """The reason for a CancelledError that was ours alone, else "". Ours is taken back from the task.

        Where the client left in the same turn of the loop, its leaving is what counts.
        """
        reason, self.passed = self.passed, ""
        if reason and self._task.uncancel() > 0:
            return ""
        return reason


class Sweeper:
    """Checks every live Deadline twenty times a second."""

    def __init__(self) -> None:
        self.live: set[Deadline] = set()

    def watch(self, task: asyncio.Task[Any]) -> Deadline:
        deadline = Deadline(task)
        self.live.add(deadline)
        return deadline

    def release(self, deadline: Deadline) -> None:
        deadline.clear()
        self.live.discard(deadline)

    def interrupt_all(self, reason: str) -> None:
        for deadline in tuple(self.live):
            deadline.interrupt(reason)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = monotonic()
            for deadline in tuple(self.live):
                deadline.check(now)
