"""What standard error is told while the log itself cannot be written: one sentence a minute at most."""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress

STDERR = 2
EVERY_SECONDS = 60.0


class Alarm:
    """Of one thing, with which sentences begin. Never raises, and never waits for who should read it."""

    def __init__(self, subject: str, descriptor: int = STDERR) -> None:
        self._subject = subject
        self._descriptor = descriptor
        self._next = 0.0
        self._rung = False

    def ring(self, problem: str) -> bool:
        """Whether it was time to; not whether anybody could be told."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + EVERY_SECONDS
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
