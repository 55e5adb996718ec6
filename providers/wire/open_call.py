"""One tool call of an answer while it comes about."""

from __future__ import annotations

import msgspec

from providers.wire.json_text import OBJECT
from providers.wire.model import ProviderDetails

LARGEST_ARGUMENTS = 8 * 2**20
MOST_READ_AGAIN = 4 * LARGEST_ARGUMENTS


class OpenCall:
    """A tool call whose arguments are still coming. It is no part (index -1) until it has a name."""

    __slots__ = ("_looked_at", "_read", "call_id", "details", "index", "pieces")

    def __init__(self, call_id: str | None, details: ProviderDetails | None) -> None:
        self.call_id = call_id
        self.details = details
        self.index = -1
        self.pieces: list[str] = []
        self._looked_at = 0
        self._read = 0

    def is_complete(self) -> bool:
        """Whether the arguments are a JSON object already: nothing can be added to one.

        Only what has grown is read again, and only so often: a provider may send the beginning of
        a large object and many parts after it.
        """
        grown = self.index >= 0 and len(self.pieces) > self._looked_at
        self._looked_at = len(self.pieces)
        if not grown or not self.pieces[-1].rstrip().endswith("}") or self._read > MOST_READ_AGAIN:
            return False
        arguments = "".join(self.pieces)
        self._read += len(arguments)
        try:
            OBJECT.decode(arguments)
        except (msgspec.DecodeError, RecursionError):
            return False
        return True
