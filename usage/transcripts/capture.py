"""What one Exchange said, kept as references until its end. Hot.

Nothing is parsed, nothing copied but what is cut; whether it is kept is decided elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from usage.record import Record
    from usage.transcripts.policy import Patterns, Policy


class Kept:
    """Bytes up to a limit, and how many more there were."""

    __slots__ = ("_limit", "cut", "pieces", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.pieces: list[bytes] = []
        self.size = 0
        self.cut = 0

    def add(self, piece: bytes) -> None:
        room = self._limit - self.size
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

    `asked` is None where the provider got the client's very bytes; `streamed` says that the answer is
    a stream, which one that was refused is not, whatever was asked for. `patterns` are the operator's own
    of the configuration that the Exchange began with.
    """

    __slots__ = (
        "_limit",
        "answered",
        "asked",
        "patterns",
        "policy",
        "record",
        "request",
        "streamed",
    )

    def __init__(self, policy: Policy, record: Record, limit: int, patterns: Patterns = ()) -> None:
        self._limit = limit
        self.policy = policy
        self.patterns = patterns
        self.record = record
        self.request = Kept(limit)
        self.asked: Kept | None = None
        self.answered = Kept(limit)
        self.streamed = False

    def provider_gets(self, body: bytes) -> None:
        """The body of the newest Attempt; of several the last one is kept."""
        kept = Kept(self._limit)
        kept.add(body)
        same = kept.cut == self.request.cut and kept.pieces == self.request.pieces
        self.asked = None if same else kept

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        asked = self.asked.size if self.asked is not None else 0
        return self.request.size + asked + self.answered.size
