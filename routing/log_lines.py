"""One line of the log for each request: which fields it has. Where lines go is the caller's affair."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from usage.keys import without_keys
from usage.record import AttemptRecord, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from routing.exchange import Exchange

LONGEST_NAME = 200
LONGEST_SEARCHED = 2000
"""So that a secret that begins in a name's last place is seen whole before the name is cut."""


class LogState(NamedTuple):
    """How the log stands. Lines are counted for each output; `problem` is "" where all is well."""

    written: Mapping[str, int]
    dropped: Mapping[str, int]
    bytes: int
    files: int
    problem: str


class Refusal(NamedTuple):
    """What is known of a request that was refused before there was anything to keep in the books."""

    exchange_id: str
    client_format: str
    reason: str
    status: int
    client_request_id: str
    trace_id: str


class RequestLine(msgspec.Struct, gc=False):
    """The line of an exchange that has ended, as it waits for the thread that makes text of it.

    References alone: thousands may wait, and what is small stays in the cache of the processor.
    """

    record: Record
    exchange_id: str
    trace_id: str

    @property
    def time(self) -> float:
        """When it ended, in Unix seconds."""
        return self.record.started_at + self.record.total_ms / 1000


class RequestFields(msgspec.Struct, gc=False):
    """The same line for machines. Times are in milliseconds, costs in billionths of a US dollar."""

    time: str
    level: str
    event: str
    exchange_id: str
    client_request_id: str
    trace_id: str
    client_key: str
    team: str
    rule: str
    provider: str
    deployment: str
    client_format: str
    upstream_format: str
    model: str
    request_model: str
    response_model: str
    stream: bool
    outcome: str
    reason: str
    status: int
    first_content_ms: float | None
    total_ms: float
    request_bytes: int
    response_bytes: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    reasoning_tokens: int
    cost_nano: int | None
    attempts: list[msgspec.Struct]
    pid: int


AttemptFields: Callable[..., msgspec.Struct] = msgspec.defstruct(
    "AttemptFields", AttemptRecord.__struct_fields__, gc=False
)
"""An Attempt as machines read it: by name, which in the journal would take too much room."""
_of_attempt = attrgetter(*AttemptRecord.__struct_fields__)


def request_fields(line: RequestLine, time: str, pid: int) -> RequestFields:
    """What stands in a line for machines; `time` is the line's as text, `pid` the process that served it."""
    record = line.record
    return RequestFields(  # by place: names would take as long as the rest of the line
        time,
        "info",
        "request",
        line.exchange_id,
        record.client_request_id,
        line.trace_id,
        record.client_key_name,
        record.team_name,
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
        record.request_bytes,
        record.response_bytes,
        record.input_tokens,
        record.output_tokens,
        record.cached_input_tokens,
        record.reasoning_tokens,
        record.cost_nano,
        [AttemptFields(*_of_attempt(attempt)) for attempt in record.attempts],
        pid,
    )


Line = RequestLine | dict[str, Any]


class Log(Protocol):
    """What a worker needs of the process's log. Nothing of it waits or raises."""

    @property
    def write(self) -> Callable[[Line], object] | None:
        """Takes a line of level info, which nobody changes afterwards; None where none is wanted."""
        ...

    def hide_again(self, text: str) -> str:
        """The text without what is secret; meant for what is short and comes again and again."""
        ...

    def known(self, secrets: Iterable[str]) -> None:
        """Hide these from now on."""
        ...

    def state(self) -> LogState: ...


class LogLines:
    """Makes the lines, on the request's task: references alone, which a thread makes text of."""

    def __init__(self, log: Log) -> None:
        self._write = log.write
        self._hide = log.hide_again

    def exchange(self, exchange: Exchange) -> None:
        """The line of one exchange, which has ended."""
        if self._write is not None:
            self._write(RequestLine(exchange.record, exchange.id, exchange.trace_id))

    def hide(self, text: str) -> str:
        """What a client or a provider chose, as it may be kept: without what is secret, cut to size."""
        searched = text[:LONGEST_SEARCHED]
        return self._hide(without_keys(searched))[:LONGEST_NAME]

    def refusal(self, now: float, told: Refusal) -> None:
        """The line of a refusal that no record is kept of."""
        if self._write is not None:
            self._write({"time": now, "level": "info", "event": "refused", **told._asdict()})
