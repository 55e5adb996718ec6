"""Redact a text that comes in pieces: what comes out does not depend on how it was cut. Pure.

Nothing is let out before it is decided: as much is held back as the longest value can be
(`Redactor.longest`, 520 characters, more with long secrets or patterns), never the whole text.
"""

from __future__ import annotations

from usage.transcripts.placeholders import Names, Painter
from usage.transcripts.redact import Guard, Redactor

KEPT = 160
"""Characters that were let out and are kept, because edges and words before a value are looked at."""


class StreamRedactor:
    """One text. `feed` returns what may go on; `end` the rest."""

    def __init__(self, redactor: Redactor, names: Names) -> None:
        if redactor.people is not None:
            raise ValueError(
                "Names and places are found in whole texts only: redact the text when it is complete."
            )
        self._redactor = redactor
        self._painter = Painter(names, names.begin())
        self._text = ""
        self._next = 0

    def feed(self, piece: str) -> str:
        """Take a piece, and return what is decided by now."""
        self._text += piece
        return self._go_on(len(self._text) - self._redactor.longest)

    def end(self) -> str:
        """The text is complete: the rest of it."""
        return self._go_on(len(self._text))

    def _go_on(self, until: int) -> str:
        """Decide on what begins before `until`."""
        painter = self._painter
        if until <= self._next:
            return ""
        with Guard():
            painter.grow(self._text)
            found = self._redactor.find(self._text, self._next, until)
            out = painter.paint(self._text, found, self._next, until)
        self._next = until
        self._forget(until - KEPT)
        return out

    def _forget(self, length: int) -> None:
        if length > 0:
            self._text = self._text[length:]
            self._next -= length
            self._painter.shift(length)
