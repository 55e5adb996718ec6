"""Says on a terminal how far a long scan is."""

from __future__ import annotations

import time
from math import inf

from django.core.management.base import OutputWrapper

SILENT_SECONDS, BETWEEN_SECONDS = 1.0, 0.2


class Progress:
    """One line that is written over; none where there is no terminal, or the scan is short."""

    def __init__(self, err: OutputWrapper) -> None:
        self._err = err
        self._next = time.monotonic() + SILENT_SECONDS if err.isatty() else inf
        self._standing = False

    def __call__(self, done: int, whole: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + BETWEEN_SECONDS
            self._standing = True
            share = min(100, 100 * done // max(1, whole))
            self._err.write(f"\r{share} % of {whole / 1e6:,.0f} MB", ending="")
            self._err.flush()

    def clear(self) -> None:
        """Take the line back before anything else is written."""
        if self._standing:
            self._err.write("\r\033[K", ending="")
            self._err.flush()
            self._standing = False
