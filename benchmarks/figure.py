"""One line of the report."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One line of the report. `most` and `least` are its limits, None where it has none.

    Compared are two places, as they are printed.
    """

    what: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def within(self) -> bool:
        shown = round(self.value, 2)
        above = self.most is not None and shown > self.most
        below = self.least is not None and shown < self.least
        return not (above or below)
