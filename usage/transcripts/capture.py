"""What one Exchange said, kept as references until its end. Hot.

Nothing is parsed and nothing copied; what is left out of it, and whether it is kept, is decided elsewhere.
"""

from __future__ import annotations

import msgspec

from usage.record import Record
from usage.transcripts.policy import Patterns, Policy

FRAMING = 16
"""How many times as long as what it means a stream may be: some frame a few letters in 300 bytes."""
MOST_FRAMED = 8 * 2**20


class Capture(msgspec.Struct, gc=False, eq=False):
    """The request as the client sent it, as the provider got it, and the answer as it went out.

    `asked` is the body of the newest Attempt, None where the provider was asked the same; `streamed` says
    that the answer is a stream, which one that was refused is not, whatever was asked for. `patterns` are
    the operator's own of the configuration that the Exchange began with. `limit` is of what is written of
    each body, 0 for nothing; requests are held whole, for they lie in memory anyway, and of an answer what
    may mean as much: `heard` bytes in `pieces`, while `cut` bytes are missing.
    """

    policy: Policy
    record: Record
    limit: int
    patterns: Patterns = ()
    trace_id: str = ""
    request: bytes = b""
    asked: bytes | None = None
    streamed: bool = False
    pieces: list[bytes] = []
    heard: int = 0
    cut: int = 0

    def hear(self, piece: bytes) -> None:
        """So much more of the answer went out."""
        if self.heard + len(piece) > self.limit:
            room = max(self.limit, min(FRAMING * self.limit, MOST_FRAMED)) - self.heard
            self.cut += max(0, len(piece) - room)
            piece = piece[:room]
        if piece:
            self.pieces.append(piece)
            self.heard += len(piece)

    @property
    def answer(self) -> bytes:
        """What is held of it."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return len(self.request) + len(self.asked or b"") + self.heard
