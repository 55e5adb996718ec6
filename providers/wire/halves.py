"""Characters that a server cut in two: half of a surrogate pair in one event, half in the next."""

from __future__ import annotations

import re

from providers.wire.sequencer import Sequencer

_high = rb"\\u[dD][89abAB][0-9a-fA-F]{2}"
_low = rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_first_half = re.compile(rb'(?<!\\)(?:\\\\)*(%b)"' % _high)
_second_half = re.compile(rb'(?<!\\)"(%b)' % _low)


class Halves:
    """Keeps the first half back until the second one comes; so long it counts as dropped."""

    __slots__ = ("_half", "_sequencer")

    def __init__(self, sequencer: Sequencer) -> None:
        self._half = b""
        self._sequencer = sequencer

    def mend(self, data: bytes) -> bytes | None:
        """The event with its first character whole and without half a last one; None if it has no halves."""
        second = _second_half.search(data) if self._half else None
        if second is not None:
            data = data[: second.start(1)] + self._half + data[second.start(1) :]
            self._half = b""
            self._sequencer.dropped -= 1
        first = _first_half.search(data)
        if first is not None:
            data = data[: first.start(1)] + data[first.end(1) :]
            self._half = first.group(1)
            self._sequencer.dropped += 1
        return None if first is None and second is None else data
