"""A Capture becomes the line that is kept of it: folded, redacted, sealed if wanted, encoded. For a thread.

If the redaction fails the line has no bodies and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from providers.wire.codec import Folded
from providers.wire.json_text import OBJECT
from usage.record import AttemptRecord, Record, id_text
from usage.transcripts.capture import Capture
from usage.transcripts.cut import shorten
from usage.transcripts.plain import in_one_line
from usage.transcripts.policy import Patterns
from usage.transcripts.redact import Names, Redactor, Unredactable
from usage.transcripts.stored import Head

Fold = Callable[[str, bytes], Folded]
"""The message that a stream of a format means; a format goes by its name."""

MakeRedactor = Callable[[frozenset[str], Patterns], Redactor]
MOST_REDACTORS = 100

_encode = msgspec.json.Encoder().encode


class LineWriter:
    """Used by one thread. `redactor` makes one for what a policy hides; `seal` encrypts the bodies."""

    def __init__(
        self,
        fold: Fold,
        redactor: MakeRedactor,
        seal: Callable[[Head], None] | None = None,
    ) -> None:
        self._fold = fold
        self._make = redactor
        self._seal = seal
        self._redactors: dict[tuple[frozenset[str], Patterns], Redactor] = {}

    def __call__(self, capture: Capture) -> bytes:
        head = _head(capture)
        if capture.policy.level == "full":
            self._add_bodies(head, capture)
        if self._seal is not None:
            self._seal(head)
        return in_one_line(_encode(head)) + b"\n"

    def _add_bodies(self, head: Head, capture: Capture) -> None:
        redactor = self._redactor(capture.policy.redaction, capture.patterns)
        bodies = _Bodies(capture.limit, redactor)
        bodies.add("request", capture.request.content)
        if capture.asked is not None and not _mean_the_same(capture):
            bodies.add("upstream_request", capture.asked.content)
        if capture.answered.size:
            answer = self._answer(head, capture)
            bodies.add("response", answer, capture.answered.cut)
        names = Names()
        try:
            redacted = redactor.redact_documents([*bodies.documents.values()], names)
        except Unredactable:
            head.unredactable = True
            return
        for name, document in zip(bodies.documents, redacted, strict=True):
            setattr(head, name, msgspec.Raw(document))
        head.redacted = dict(names.counts)
        head.truncated = bodies.left_out

    def _answer(self, head: Head, capture: Capture) -> bytes:
        """The answer in the client's format, streams as the message that they mean.

        Of one that is longer than what is held nothing tells whether it ended but the record.
        """
        answered = capture.answered
        if not capture.streamed:
            return answered.content
        folded = self._fold(head.client_format, answered.content)
        broke_off = capture.record.outcome != "completed"
        head.partial = broke_off if answered.cut else folded.partial
        return folded.message

    def _redactor(self, redaction: frozenset[str], patterns: Patterns) -> Redactor:
        """Few differ at a time; those of configurations that are gone must not pile up."""
        redactor = self._redactors.get((redaction, patterns))
        if redactor is None:
            if len(self._redactors) >= MOST_REDACTORS:
                self._redactors.clear()
            redactor = self._redactors[redaction, patterns] = self._make(redaction, patterns)
        return redactor


def _mean_the_same(capture: Capture) -> bool:
    """Whether the provider was asked the same in other bytes: the gateway writes no spaces."""
    assert capture.asked is not None  # noqa: S101
    try:
        sent = OBJECT.decode(capture.request.content)
        asked = OBJECT.decode(capture.asked.content)
        changed = [name for name in sent if name in asked and sent[name] != asked[name]]
        return sent.keys() == asked.keys() and all(
            _canonical(sent[name]) == _canonical(asked[name]) for name in changed
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _canonical(raw: msgspec.Raw) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(raw), order="sorted")


class _Bodies:
    """What is to be redacted, each within the limit, and how many bytes of each are left out."""

    def __init__(self, limit: int, redactor: Redactor) -> None:
        self._limit = limit
        self._redactor = redactor
        self.documents: dict[str, Any] = {}
        self.left_out = {"request": 0, "upstream_request": 0, "response": 0}

    def add(self, name: str, content: bytes, missing: int = 0) -> None:
        """`missing` bytes were not held."""
        self.documents[name] = content
        if missing or len(content) > self._limit:
            margin = self._redactor.longest
            short = shorten(content, self._limit, margin, unfinished=bool(missing))
            self.documents[name] = short.value
            self.left_out[name] = short.left_out + missing


def _head(capture: Capture) -> Head:
    """What the books know as well."""
    record = capture.record
    return Head(
        exchange_id=id_text(record.exchange_id),
        time=record.started_at,
        level=capture.policy.level,
        client_key=record.client_key_name,
        team=record.team_name,
        owner=record.owner,
        session=record.session,
        client_request_id=record.client_request_id,
        trace_id=capture.trace_id,
        end_user=record.end_user,
        rule=record.rule_name,
        provider=record.provider_name,
        deployment=record.deployment,
        client_format=record.client_format,
        upstream_format=record.upstream_format,
        model=record.original_model,
        request_model=record.request_model,
        response_model=record.response_model,
        stream=record.stream,
        outcome=record.outcome,
        reason=record.reason,
        status=record.status,
        first_content_ms=record.first_content_ms,
        total_ms=record.total_ms,
        attempts=[_attempt(attempt) for attempt in record.attempts],
        tokens=_tokens(record),
        cost_nano=record.cost_nano,
    )


def _attempt(attempt: AttemptRecord) -> dict[str, Any]:
    return msgspec.structs.asdict(attempt)


def _tokens(record: Record) -> dict[str, int]:
    return {
        "input": record.input_tokens,
        "output": record.output_tokens,
        "cached_input": record.cached_input_tokens,
        "reasoning": record.reasoning_tokens,
    }
