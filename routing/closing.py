"""The end of an Exchange: usage, cost, settlement, journal, metrics, one log line; once, without await."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from providers.meter import Reading
from providers.wire.usage import Usage
from routing.log_lines import Refusal
from usage.price import cost_nano

if TYPE_CHECKING:
    from routing.exchange import Exchange
    from routing.log_lines import LogLines
    from routing.metrics import Metrics
    from routing.transcribing import Transcripts
    from usage.quota import QuotaBook
    from usage.record import Record

MOST_REFUSALS_PER_SECOND = 10
"""Recorded refusals of one key; the rest of a flood is kept in the rollups only."""
NOTHING_USED = Reading(Usage(), "")


class Journal(Protocol):
    """Where entries of an Exchange are kept until the database has them. Never raises."""

    def begin(self, record: Record) -> None: ...

    def attempt(self, record: Record) -> None: ...

    def checkpoint(self, record: Record) -> None: ...

    def end(self, record: Record, rollup_only: bool = False) -> None: ...


class Books:
    """Writes exchanges down as they go on. All its methods are synchronous and short."""

    def __init__(
        self,
        quotas: QuotaBook,
        journal: Journal,
        metrics: Metrics,
        log_lines: LogLines,
        transcripts: Transcripts,
    ) -> None:
        self._quotas = quotas
        self._journal = journal
        self._metrics = metrics
        self._log = log_lines
        self._transcripts = transcripts
        self.hide = log_lines.hide
        self._refusals: dict[int, int] = {}
        self._second = 0

    def count_refusal(self, told: Refusal) -> None:
        """A refusal that no record is kept of: nobody we know called, or there was no room."""
        self._metrics.count_refusal(told.client_format, told.reason)
        self._log.refusal(time.time(), told)

    def attempt(self, exchange: Exchange) -> None:
        """The Exchange is about to try an Endpoint; a crash now would charge the prompt.

        Between admission and the first Attempt nothing waits, so one entry says both.
        """
        _note_usage(exchange)
        if exchange.journaled:
            self._journal.attempt(exchange.record)
        else:
            exchange.journaled = True
            self._journal.begin(exchange.record)

    def checkpoint(self, exchange: Exchange, now: float) -> None:
        """A stream goes on: what it used so far."""
        exchange.checkpointed = now
        exchange.record.total_ms = _milliseconds(now - exchange.began)
        _note_usage(exchange)
        self._journal.checkpoint(exchange.record)

    def close(self, exchange: Exchange) -> None:
        """The Exchange has ended, whatever way. Called exactly once."""
        record = exchange.record
        record.total_ms = _milliseconds(time.monotonic() - exchange.began)
        _note_usage(exchange)
        exchange.note_losses()
        if exchange.reservation is not None:
            self._quotas.settle(exchange.reservation, record.cost_nano)
        if record.reason in UNRECORDED:
            return self.count_refusal(
                Refusal(
                    exchange.id,
                    record.client_format,
                    record.reason,
                    record.status,
                    record.client_request_id,
                    exchange.trace_id,
                )
            )
        self._journal.end(record, rollup_only=self._floods(record))
        self._metrics.observe(record)
        self._log.exchange(exchange)
        self._transcripts.end(exchange)

    def _floods(self, record: Record) -> bool:
        """Whether this refusal is one too many of its key in this second."""
        if record.outcome != "refused":
            return False
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._refusals.clear()
        count = self._refusals[record.client_key_id] = (
            self._refusals.get(record.client_key_id, 0) + 1
        )
        return count > MOST_REFUSALS_PER_SECOND


UNRECORDED = frozenset({"overloaded", "draining"})


def _note_usage(exchange: Exchange) -> None:
    """Bring tokens, cost and response model of the record up to what is known now."""
    record = exchange.record
    usage, source = _reading(exchange)
    record.input_tokens = usage.input_tokens
    record.cached_input_tokens = usage.cached_input_tokens
    record.cache_write_5m_tokens = usage.cache_write_5m_tokens
    record.cache_write_1h_tokens = usage.cache_write_1h_tokens
    record.input_audio_tokens = usage.input_audio_tokens
    record.output_tokens = usage.output_tokens
    record.reasoning_tokens = usage.reasoning_tokens
    record.output_audio_tokens = usage.output_audio_tokens
    record.usage_source = source
    if not source:
        record.cost_nano = 0
        return
    price = exchange.endpoint.price if exchange.endpoint is not None else None
    record.cost_nano = None if price is None else cost_nano(price, usage)
    if exchange.meter is not None:
        record.response_model = exchange.hide(exchange.meter.watcher.response_model)


def _reading(exchange: Exchange) -> Reading:
    """Nothing was used if nothing was asked, or if a provider said no before it said anything else."""
    meter, record = exchange.meter, exchange.record
    if meter is None or (record.outcome in ("failed", "refused") and not meter.seen_anything):
        return NOTHING_USED
    return meter.reading(exchange.prompt)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
