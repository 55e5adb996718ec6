"""What standard error is told while the log itself cannot be written: one sentence a minute at most."""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress

STDERR = 2
EVERY_SECONDS = 60.0


class Bell:
    """When something may be said again. Alarms of one directory share one: it breaks for all of them."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, str], float] = {}

    def is_time(self, to: str, advice: str = "") -> bool:
        """Whether who reads there may be told now; then not again for a while, but of other advice."""
        now = time.monotonic()
        if now < self._next.get((to, advice), 0.0):
            return False
        self._next[to, advice] = now + EVERY_SECONDS
        return True


class Alarm:
    """Of one thing, with which sentences begin. Never raises, and never waits for who should read it."""

    def __init__(self, subject: str, descriptor: int = STDERR) -> None:
        self._subject = subject
        self._descriptor = descriptor
        self._rung = False
        self._own = Bell()

    def ring(self, problem: str, bell: Bell | None = None, advice: str = "") -> bool:
        """Whether it was time to; not whether anybody could be told. `bell` is of what others tell too, and
        `advice` what tells one thing to do from another."""
        if not (bell or self._own).is_time("stderr", advice):
            return False
        self._rung = self.say(problem) or self._rung
        return True

    def over(self, text: str = "is written again") -> None:
        """It works again; said where something was said before."""
        if self._rung:
            self._rung = False
            self.say(text)

    def say(self, text: str) -> bool:
        """Whether it was said; where the reader has stopped it is not."""
        with suppress(OSError, ValueError):
            if select.select([], [self._descriptor], [], 0)[1]:
                os.write(self._descriptor, f"{self._subject} {text}\n".encode())
                return True
        return False
