"""One line of the log for each request: which fields it has. Where lines go is the caller's affair."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from usage.keys import without_keys

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


class Log(Protocol):
    """What a worker needs of the process's log. Nothing of it waits or raises."""

    @property
    def write(self) -> Callable[[dict[str, Any]], None] | None:
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
        if self._write is None:
            return
        self._write(_line(exchange))

    def hide(self, text: str) -> str:
        """What a client or a provider chose, as it may be kept: without what is secret, cut to size."""
        searched = text[:LONGEST_SEARCHED]
        return self._hide(without_keys(searched))[:LONGEST_NAME]

    def refusal(self, now: float, told: Refusal) -> None:
        """The line of a refusal that no record is kept of."""
        if self._write is not None:
            self._write({"time": now, "level": "info", "event": "refused", **told._asdict()})


def _line(exchange: Exchange) -> dict[str, Any]:
    record = exchange.record
    return {
        "time": record.started_at + record.total_ms / 1000,
        "level": "info",
        "event": "request",
        "exchange_id": exchange.id,
        "client_request_id": record.client_request_id,
        "trace_id": exchange.trace_id,
        "client_key": record.client_key_name,
        "team": record.team_name,
        "rule": record.rule_name,
        "provider": record.provider_name,
        "deployment": record.deployment,
        "client_format": record.client_format,
        "upstream_format": record.upstream_format,
        "model": record.original_model,
        "request_model": record.request_model,
        "response_model": record.response_model,
        "stream": record.stream,
        "outcome": record.outcome,
        "reason": record.reason,
        "status": record.status,
        "first_content_ms": record.first_content_ms,
        "total_ms": record.total_ms,
        "request_bytes": record.request_bytes,
        "response_bytes": record.response_bytes,
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "cached_input_tokens": record.cached_input_tokens,
        "reasoning_tokens": record.reasoning_tokens,
        "cost_nano": record.cost_nano,
        "attempts": record.attempts,
    }
