"""Exchange and Attempt: the one mutable ledger of one request."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from providers.wire.prompt import PromptSize
from routing import in_hand
from usage.record import AttemptRecord, Record, id_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from providers.endpoint import Endpoint, Login
    from providers.meter import Meter
    from providers.wire.envelope import Envelope
    from providers.wire.model import Loss
    from routing.deadline import Deadline
    from usage.keys import Caller
    from usage.quota import Reservation
    from usage.transcripts.capture import Capture

LONGEST_TRACEPARENT = 200
HEX = frozenset("0123456789abcdef")
MOST_LOSSES = 100
"""A record keeps no more of them: a client can have one for each member that nobody knows."""


def new_id() -> bytes:
    """A UUIDv7 (RFC 9562): 48 bits of Unix milliseconds, then chance. Unique, but no secret."""
    chance = random.getrandbits(80)
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | chance
    value = value & ~(0xF << 76) | (7 << 76)
    value = value & ~(0b11 << 62) | (0b10 << 62)
    return value.to_bytes(16)


class Exchange:
    """One client request and all that happened to it.

    `record` is what the books would say if the process died now; `why` is why the next Attempt is made.
    `attempt_status` is what the provider of the newest one answered, 0 until it has.
    What clients and providers choose, `hide` has taken the secrets out of: everything else reads the record.
    """

    __slots__ = (
        "_attempt_began",
        "attempt_status",
        "began",
        "caller",
        "capture",
        "checkpointed",
        "deadline",
        "endpoint",
        "first_content",
        "hide",
        "id",
        "journaled",
        "login",
        "losses",
        "meter",
        "prompt",
        "record",
        "reservation",
        "trace_id",
        "why",
    )

    def __init__(
        self,
        kind: str,
        client_format: str,
        caller: Caller,
        deadline: Deadline,
        hide: Callable[[str], str],
    ) -> None:
        self.began = time.monotonic()
        self.hide = hide
        identifier = new_id()
        self.id = id_text(identifier)
        in_hand.marks.set(in_hand.Marks(self.id))
        self.caller = caller
        self.deadline = deadline
        self.record = Record(
            exchange_id=identifier,
            started_at=time.time(),
            kind=kind,
            client_format=client_format,
            client_key_id=caller.id,
            client_key_name=caller.name,
            team_name=caller.team,
            owner=caller.owner,
        )
        self.capture: Capture | None = None
        self.reservation: Reservation | None = None
        self.endpoint: Endpoint | None = None
        self.login: Login | None = None
        self.meter: Meter | None = None
        self.prompt = PromptSize(0)
        self.losses: Sequence[Loss] = ()
        self.first_content = 0.0
        self.checkpointed = self.began
        self.journaled = False
        self.why = ""
        self.trace_id = ""
        self._attempt_began = 0.0
        self.attempt_status = 0

    def note_client(self, headers: Mapping[bytes, bytes]) -> None:
        """Keep what the client calls this request, its session and its trace, cut to size."""
        record = self.record
        record.client_request_id = self._text(headers.get(b"x-request-id"))
        record.session = self._text(
            headers.get(b"x-claude-code-session-id") or headers.get(b"x-session-id")
        )
        self.trace_id = trace_id_of(headers)
        if self.trace_id:
            in_hand.marks.set(in_hand.Marks(self.id, self.trace_id))

    def note_request(self, envelope: Envelope, end_user: str) -> None:
        """Keep what the client asked for, and for whom."""
        record = self.record
        record.original_model = self.hide(envelope.model)
        record.stream = envelope.stream
        record.end_user = self.hide(end_user) if end_user else ""

    def _text(self, value: bytes | None) -> str:
        return self.hide(value.decode("latin-1")) if value else ""

    def begin_attempt(self, endpoint: Endpoint, login: Login, upstream_format: str) -> None:
        self.endpoint, self.login = endpoint, login
        self._attempt_began = time.monotonic()
        self.attempt_status = 0
        record = self.record
        record.provider_name = endpoint.provider
        record.deployment = endpoint.deployment
        record.credential_label = login.label
        record.request_model = self.hide(endpoint.model)
        record.upstream_format = upstream_format
        record.price_id = endpoint.price.id if endpoint.price else ""

    def note_translation(self, losses: Sequence[Loss], edits: Sequence[str]) -> None:
        """What the newest Attempt changed in the request, and what it could not carry.

        The answer's own losses join `losses` as it goes by.
        """
        self.record.edits = list(edits)
        self.losses = losses
        self.note_losses()

    def note_losses(self) -> None:
        """Bring the record's losses up to what is known now."""
        if self.losses:
            kept = self.losses[:MOST_LOSSES]
            self.record.losses = [(self.hide(loss.path), loss.reason) for loss in kept]
        elif self.record.losses:
            self.record.losses = []

    def end_attempt(self, reason: str, detail: str = "") -> None:
        """Write the Attempt down; called once for each that began."""
        assert self.endpoint is not None  # noqa: S101 — begin_attempt came first
        assert self.login is not None  # noqa: S101
        self.record.attempts.append(
            AttemptRecord(
                provider=self.endpoint.provider,
                deployment=self.endpoint.deployment,
                model=self.record.request_model,
                credential=self.login.label,
                status=self.attempt_status,
                reason=reason,
                ms=round((time.monotonic() - self._attempt_began) * 1000, 3),
                why=self.why,
                detail=self.hide(detail) if detail else "",
            )
        )

    def answered(self, chunk: bytes) -> None:
        """So much more of a provider's answer went to the client."""
        self.record.response_bytes += len(chunk)
        if self.capture is not None:
            self.capture.hear(chunk)

    def keep_answer(self, chunk: bytes) -> None:
        """The client was told this, whoever said it."""
        if self.capture is not None:
            self.capture.hear(chunk)

    def content_began(self) -> None:
        self.first_content = time.monotonic()
        self.record.first_content_ms = round((self.first_content - self.began) * 1000, 3)

    def finish(self, outcome: str, reason: str, status: int) -> None:
        """Say how it ended; the first word stands."""
        record = self.record
        if not record.outcome:
            record.outcome, record.reason, record.status = outcome, reason, status


def trace_id_of(headers: Mapping[bytes, bytes]) -> str:
    """The trace's id of a `traceparent` header (W3C Trace Context), "" where there is none."""
    traceparent = headers.get(b"traceparent")
    if not traceparent:
        return ""
    parts = traceparent[:LONGEST_TRACEPARENT].decode("latin-1").strip().lower().split("-")
    if len(parts) < 4 or parts[0] == "ff":
        return ""
    trace = parts[1]
    return trace if len(trace) == 32 and set(trace) <= HEX and set(trace) != {"0"} else ""
