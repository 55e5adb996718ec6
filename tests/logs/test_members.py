"""Members of a line that are filled by their place: each holds what the books call by its name."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from providers.wire.codec import Folded
from routing.log_lines import RequestFields, RequestLine, request_fields
from usage.record import AttemptRecord, Record, id_text
from usage.transcripts.capture import Capture
from usage.transcripts.policy import Policy
from usage.transcripts.redact import Redactor
from usage.transcripts.write import LineWriter

IN_THE_BOOKS = {
    "client_key": "client_key_name",
    "team": "team_name",
    "rule": "rule_name",
    "provider": "provider_name",
    "model": "original_model",
}
"""What a line calls otherwise than the books do."""
ELSEWHERE = {"time", "level", "event", "exchange_id", "trace_id", "attempts", "pid"}
OF_THE_BODIES = {
    *("v", "request", "upstream_request", "response", "sealed", "sealed_with", "partial"),
    *("truncated", "redacted", "unredactable", "tokens"),
}


def told_apart() -> Record:
    """A record in which no two values are the same."""
    number = count(1)
    told: dict[str, Any] = {
        name: f"the {name}" for name, kind in Record.__annotations__.items() if kind == "str"
    }
    for name, kind in Record.__annotations__.items():
        if kind in ("int", "int | None", "float", "float | None"):
            told[name] = next(number)
    attempt = AttemptRecord("p", "d", "m", "c", 502, "connect", 12.5, "first", "It did not answer.")
    return Record(exchange_id=bytes(range(16)), stream=True, attempts=[attempt], **told)


RECORD = told_apart()
ATTEMPT = {name: getattr(RECORD.attempts[0], name) for name in AttemptRecord.__struct_fields__}


def in_the_books(names: set[str]) -> dict[str, Any]:
    return {name: getattr(RECORD, IN_THE_BOOKS.get(name, name)) for name in names}


def test_each_member_of_a_line_of_the_process_log():
    line = request_fields(RequestLine(RECORD, "the id", "the trace"), "now", 4711)
    said = {name: getattr(line, name) for name in RequestFields.__struct_fields__}
    [attempt] = said.pop("attempts")
    assert {name: getattr(attempt, name) for name in attempt.__struct_fields__} == ATTEMPT
    fixed = {"time": "now", "level": "info", "event": "request", "exchange_id": "the id"}
    wanted = in_the_books(said.keys() - ELSEWHERE)
    assert said == {**wanted, **fixed, "trace_id": "the trace", "pid": 4711}


def test_each_member_of_a_transcript():
    capture = Capture(Policy("full", 1.0, frozenset()), RECORD, 100, trace_id="the trace")
    writer = LineWriter(lambda _, body: Folded(body, False), lambda kinds, _: Redactor(kinds=kinds))
    said = json.loads(writer(capture))
    assert said["attempts"] == [ATTEMPT]
    assert said["tokens"] == {
        "input": RECORD.input_tokens,
        "output": RECORD.output_tokens,
        "cached_input": RECORD.cached_input_tokens,
        "reasoning": RECORD.reasoning_tokens,
    }
    names = said.keys() - ELSEWHERE - OF_THE_BODIES
    assert {name: said[name] for name in names} == in_the_books(names)
    assert (said["exchange_id"], said["time"]) == (id_text(RECORD.exchange_id), RECORD.started_at)
    assert (said["level"], said["trace_id"]) == ("full", "the trace")
