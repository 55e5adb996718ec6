"""What one Exchange said, kept as references until its end. Hot.

Nothing is parsed and nothing copied; what is left out of it, and whether it is kept, is decided elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from usage.record import Record
    from usage.transcripts.policy import Patterns, Policy


FRAMING = 16
"""How many times as long as what it means a stream may be: some frame a few letters in 300 bytes."""
MOST_FRAMED = 8 * 2**20


class Kept:
    """Bytes up to a bound, and how many more there were."""

    __slots__ = ("_most", "cut", "pieces", "size")

    def __init__(self, most: int) -> None:
        self._most = most
        self.pieces: list[bytes] = []
        self.size = 0
        self.cut = 0

    def add(self, piece: bytes) -> None:
        room = self._most - self.size
        if len(piece) > room:
            self.cut += len(piece) - room
            piece = piece[:room]
        if piece:
            self.pieces.append(piece)
            self.size += len(piece)

    @property
    def content(self) -> bytes:
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)


class Capture:
    """The request as the client sent it, as the provider got it, and the answer as it went out.

    `asked` is None where the provider was asked the same; `streamed` says that the answer is
    a stream, which one that was refused is not, whatever was asked for. `patterns` are the operator's own
    of the configuration that the Exchange began with. `limit` is of what is written of each body, 0 for
    nothing; requests are held whole, for they lie in memory anyway, and of an answer what may mean as much.
    """

    __slots__ = (
        "answered",
        "asked",
        "limit",
        "patterns",
        "policy",
        "record",
        "request",
        "streamed",
        "trace_id",
    )

    def __init__(
        self,
        policy: Policy,
        record: Record,
        limit: int,
        patterns: Patterns = (),
        trace_id: str = "",
    ) -> None:
        self.limit = limit
        self.policy = policy
        self.patterns = patterns
        self.record = record
        self.request = b""
        self.asked: bytes | None = None
        self.answered = Kept(max(limit, min(FRAMING * limit, MOST_FRAMED)))
        self.streamed = False
        self.trace_id = trace_id

    def provider_gets(self, body: bytes | None) -> None:
        """The body of the newest Attempt, None if it says the same; of several the last one is kept."""
        if self.limit:
            self.asked = body

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return len(self.request) + len(self.asked or b"") + self.answered.size
