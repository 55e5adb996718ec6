"""A Capture becomes the line that is kept of it: folded, redacted, sealed if wanted, encoded. For a thread.

If the redaction fails the line has no bodies and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from providers.wire.codec import Folded
from providers.wire.json_text import OBJECT
from usage.record import Record, id_text
from usage.transcripts.capture import Capture
from usage.transcripts.cut import shorten
from usage.transcripts.plain import in_one_line
from usage.transcripts.policy import Patterns
from usage.transcripts.redact import Redactor
from usage.transcripts.stored import BODIES, VERSION, Head

Fold = Callable[[str, bytes], Folded]
"""The message that a stream of a format means; a format goes by its name."""

MakeRedactor = Callable[[frozenset[str], Patterns], Redactor]
_Draft = tuple[Head, dict[str, Any]]

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
        [line] = self.lines([capture])
        return line

    def lines(self, captures: Iterable[Capture]) -> list[bytes]:
        """A line of each; what they say is searched together, which is sooner done for short ones."""
        heads: list[Head] = []
        drafts: dict[Redactor, list[_Draft]] = {}
        for capture in captures:
            head = _head(capture)
            heads.append(head)
            if capture.policy.level == "full":
                redactor = self._redactor(capture.policy.redaction, capture.patterns)
                bodies = self._bodies(head, capture, redactor)
                drafts.setdefault(redactor, []).append((head, bodies))
        for redactor, group in drafts.items():
            _add_bodies(redactor, group)
        return [self._line(head) for head in heads]

    def _line(self, head: Head) -> bytes:
        if self._seal is not None:
            self._seal(head)
        return in_one_line(_encode(head)) + b"\n"

    def _bodies(self, head: Head, capture: Capture, redactor: Redactor) -> dict[str, Any]:
        """What was said, as it is, but for what is over the limit."""
        bodies: dict[str, Any] = {"request": capture.request}
        if capture.asked is not None and not _mean_the_same(capture.request, capture.asked):
            bodies["upstream_request"] = capture.asked
        if capture.heard:
            bodies["response"] = self._answer(head, capture)
        head.truncated = _shorten(bodies, capture, redactor)
        return bodies

    def _answer(self, head: Head, capture: Capture) -> bytes:
        """The answer in the client's format, streams as the message that they mean.

        Of one that is longer than what is held nothing tells whether it ended but the record.
        """
        if not capture.streamed:
            return capture.answer
        folded = self._fold(head.client_format, capture.answer)
        broke_off = capture.record.outcome != "completed"
        head.partial = broke_off if capture.cut else folded.partial
        return folded.message

    def _redactor(self, redaction: frozenset[str], patterns: Patterns) -> Redactor:
        """Few differ at a time; those of configurations that are gone must not pile up."""
        redactor = self._redactors.get((redaction, patterns))
        if redactor is None:
            if len(self._redactors) >= MOST_REDACTORS:
                self._redactors.clear()
            redactor = self._redactors[redaction, patterns] = self._make(redaction, patterns)
        return redactor


def _add_bodies(redactor: Redactor, drafts: list[_Draft]) -> None:
    """Redact bodies, and put them into their heads."""
    redacted = redactor.redact_together([[*bodies.values()] for _, bodies in drafts])
    for (head, bodies), made in zip(drafts, redacted, strict=True):
        if made is None:
            head.unredactable = True
            head.truncated = {}
            continue
        documents, counts = made
        for name, document in zip(bodies, documents, strict=True):
            setattr(head, name, msgspec.Raw(document))
        head.redacted = dict(counts)


def _shorten(bodies: dict[str, Any], capture: Capture, redactor: Redactor) -> dict[str, int]:
    """Bring those over the limit within it; how many bytes of each are left out."""
    left_out = dict.fromkeys(BODIES, 0)
    for name, content in bodies.items():
        missing = capture.cut if name == "response" else 0
        if missing or len(content) > capture.limit:
            short = shorten(content, capture.limit, redactor.longest, unfinished=bool(missing))
            bodies[name] = short.value
            left_out[name] = short.left_out + missing
    return left_out


def _mean_the_same(request: bytes, upstream: bytes) -> bool:
    """Whether an edit has set what was asked for anyway, as a quota's cap may."""
    try:
        sent, asked = OBJECT.decode(request), OBJECT.decode(upstream)
        changed = [name for name in sent if name in asked and sent[name] != asked[name]]
        return sent.keys() == asked.keys() and all(
            _canonical(sent[name]) == _canonical(asked[name]) for name in changed
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _canonical(raw: msgspec.Raw) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(raw), order="sorted")


def _head(capture: Capture) -> Head:
    """What the books know as well."""
    record = capture.record
    return Head(  # by place, which takes a third less time than names
        VERSION,
        id_text(record.exchange_id),
        record.started_at,
        capture.policy.level,
        record.client_key_name,
        record.team_name,
        record.owner,
        record.session,
        record.client_request_id,
        capture.trace_id,
        record.end_user,
        record.rule_name,
        record.provider_name,
        record.deployment,
        record.client_format,
        record.upstream_format,
        record.original_model,
        record.request_model,
        record.response_model,
        record.stream,
        record.outcome,
        record.reason,
        record.status,
        record.first_content_ms,
        record.total_ms,
        [msgspec.structs.asdict(attempt) for attempt in record.attempts],
        _tokens(record),
        record.cost_nano,
    )


def _tokens(record: Record) -> dict[str, int]:
    return {
        "input": record.input_tokens,
        "output": record.output_tokens,
        "cached_input": record.cached_input_tokens,
        "reasoning": record.reasoning_tokens,
    }
