"""A Capture becomes the line that is kept of it: folded, redacted, encoded. Pure, and for a thread.

If the redaction fails the line has no bodies and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from providers.wire.codec import Folded
from usage.record import AttemptRecord, Record
from usage.transcripts.capture import Capture, Kept
from usage.transcripts.redact import Names, Redactor, Unredactable
from usage.transcripts.secrets import SecretFilter
from usage.transcripts.stored import NOTHING, Head

Fold = Callable[[str, bytes], Folded]
"""The message that a stream of a format means; a format goes by its name."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class LineWriter:
    """Used by one thread. `redactor` makes one for the kinds that are to be hidden."""

    def __init__(
        self, fold: Fold, secrets: SecretFilter, redactor: Callable[[frozenset[str]], Redactor]
    ) -> None:
        self._fold = fold
        self._secrets = secrets
        self._make = redactor
        self._redactors: dict[frozenset[str], Redactor] = {}

    def __call__(self, capture: Capture) -> bytes:
        head = _head(capture, self._secrets.hide)
        if capture.policy.level == "full":
            self._add_bodies(head, capture)
        return _encode(head) + b"\n"

    def _add_bodies(self, head: Head, capture: Capture) -> None:
        names = Names()
        redactor = self._redactor(capture.policy.redaction)
        try:
            request = _redacted(capture.request, redactor, names)
            asked = NOTHING
            if capture.asked is not None:
                asked = _redacted(capture.asked, redactor, names)
            response = self._response(head, capture, redactor, names)
        except Unredactable:
            head.unredactable = True
            return
        head.request, head.upstream_request, head.response = request, asked, response
        head.redacted = dict(names.counts)
        head.truncated = {
            "request": capture.request.cut,
            "upstream_request": capture.asked.cut if capture.asked is not None else 0,
            "response": capture.answered.cut,
        }

    def _response(
        self, head: Head, capture: Capture, redactor: Redactor, names: Names
    ) -> msgspec.Raw:
        """The answer in the client's format, streams as the message that they mean."""
        answered = capture.answered
        if not answered.size:
            return NOTHING
        if not capture.streamed:
            head.partial = bool(answered.cut)
            return _redacted(answered, redactor, names)
        folded = self._fold(head.client_format, answered.content)
        head.partial = folded.partial
        return msgspec.Raw(_redacted_json(folded.message, redactor, names))

    def _redactor(self, kinds: frozenset[str]) -> Redactor:
        redactor = self._redactors.get(kinds)
        if redactor is None:
            redactor = self._redactors[kinds] = self._make(kinds)
        return redactor


def _redacted(kept: Kept, redactor: Redactor, names: Names) -> msgspec.Raw:
    """A body as JSON; one that was cut, or never was JSON, as `{"text": …}`. Raises Unredactable."""
    content = kept.content
    if not kept.cut:
        try:
            return msgspec.Raw(_redacted_json(content, redactor, names))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    text = redactor.redact_text(content.decode("utf-8", "replace"), names)
    return msgspec.Raw(_encode({"text": text}))


def _redacted_json(content: bytes, redactor: Redactor, names: Names) -> bytes:
    """Its own bytes where nothing is hidden, but for line breaks: a line is one line."""
    value = _decode(content)
    redacted = redactor.redact_json(value, names)
    if redacted is value and b"\n" not in content and b"\r" not in content:
        return content
    return _encode(redacted)


def _head(capture: Capture, hide: Callable[[str], str]) -> Head:
    """What the books know as well. A client chose some of the texts, so they may hold a secret."""
    record = capture.record
    return Head(
        exchange_id=str(UUID(bytes=record.exchange_id)),
        time=record.started_at,
        level=capture.policy.level,
        client_key=record.client_key_name,
        team=record.team_name,
        owner=record.owner,
        session=hide(record.session),
        client_request_id=hide(record.client_request_id),
        end_user=hide(record.end_user),
        rule=record.rule_name,
        provider=record.provider_name,
        deployment=record.deployment,
        client_format=record.client_format,
        upstream_format=record.upstream_format,
        model=hide(record.original_model),
        request_model=hide(record.request_model),
        response_model=hide(record.response_model),
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
