"""What Prometheus is told of exchanges and of embedding. Labels are bounded: no client chooses them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from usage.model_names import ModelNames

if TYPE_CHECKING:
    from usage.record import Record

SECONDS = (0.05, 0.1, 0.2, 0.35, 0.6, 1, 1.7, 3, 5, 9, 15, 25, 45, 80, 140, 250, 600)

Labels = tuple[str, str, str]


class _Series:
    """The children of one (client format, provider, model), looked up once."""

    __slots__ = ("cost", "first", "input", "output", "outcomes", "total", "unpriced")

    def __init__(self, metrics: Metrics, labels: Labels) -> None:
        self.input = metrics.tokens.labels(*labels, "input")
        self.output = metrics.tokens.labels(*labels, "output")
        self.cost = metrics.cost.labels(*labels)
        self.unpriced = metrics.unpriced.labels(*labels)
        self.total = metrics.total.labels(*labels)
        self.first = metrics.first.labels(*labels)
        self.outcomes: dict[tuple[str, str], Counter] = {}


class Metrics:
    """One worker's metrics of the hot path, in a registry of its caller's choosing."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        histogram = partial(Histogram, buckets=SECONDS, registry=registry)
        names = ("client_format", "provider", "model")
        self.requests = counter(
            "patchbay_requests_total",
            "Requests that ended, by how they ended.",
            (*names, "outcome", "reason"),
        )
        self.tokens = counter("patchbay_tokens_total", "Tokens used.", (*names, "direction"))
        self.cost = counter("patchbay_cost_dollars_total", "US dollars of priced requests.", names)
        self.unpriced = counter(
            "patchbay_unpriced_requests_total", "Requests that used tokens of unknown price.", names
        )
        self.total = histogram(
            "patchbay_request_seconds", "From a request's arrival to the end of its answer.", names
        )
        self.first = histogram(
            "patchbay_first_content_seconds",
            "From a request's arrival to the first content of its answer.",
            names,
        )
        self.attempts = counter(
            "patchbay_attempts_total",
            "Attempts at providers, by how they ended.",
            ("provider", "reason"),
        )
        self.losses = counter(
            "patchbay_losses_total",
            "Members of requests that a translation could not carry.",
            ("client_format", "upstream_format"),
        )
        self._series: dict[Labels, _Series] = {}
        self._attempts: dict[tuple[str, str], Counter] = {}
        self._models = ModelNames()

    @property
    def all(self) -> tuple[Counter | Histogram, ...]:
        return (
            self.requests,
            self.tokens,
            self.cost,
            self.unpriced,
            self.total,
            self.first,
            self.attempts,
            self.losses,
        )

    def count_refusal(self, client_format: str, reason: str) -> None:
        """A refusal that no record is kept of."""
        self.requests.labels(client_format, "", "", "refused", reason).inc()

    def observe(self, record: Record) -> None:
        """Count an exchange that ended."""
        labels = (
            record.client_format,
            record.provider_name,
            self._models.of(record.provider_name, record.request_model),
        )
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = _Series(self, labels)
        ended = (record.outcome, record.reason)
        outcome = series.outcomes.get(ended)
        if outcome is None:
            outcome = series.outcomes[ended] = self.requests.labels(*labels, *ended)
        outcome.inc()
        series.total.observe(record.total_ms / 1000)
        if record.first_content_ms is not None:
            series.first.observe(record.first_content_ms / 1000)
        if record.input_tokens or record.output_tokens:
            self._observe_usage(series, record)
        for attempt in record.attempts:
            self._attempt(attempt.provider, attempt.reason).inc()
        if record.losses:
            losses = self.losses.labels(record.client_format, record.upstream_format)
            losses.inc(len(record.losses))

    def _observe_usage(self, series: _Series, record: Record) -> None:
        series.input.inc(record.input_tokens)
        series.output.inc(record.output_tokens)
        if record.cost_nano is None:
            series.unpriced.inc()
        else:
            series.cost.inc(record.cost_nano / 1e9)

    def _attempt(self, provider: str, reason: str) -> Counter:
        labels = (provider, reason)
        child = self._attempts.get(labels)
        if child is None:
            child = self._attempts[labels] = self.attempts.labels(*labels)
        return child


class EmbeddingMetrics:
    """One process's metrics of search by meaning, apart from those of what clients ask for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ("provider", "model")

        def counter(name: str, text: str, *more: str) -> Counter:
            return Counter(name, text, (*names, *more), registry=registry)

        self.calls = counter(
            "patchbay_embedding_calls_total",
            "Calls to the embedding model, by how they ended.",
            "reason",
        )
        self.tokens = counter("patchbay_embedding_tokens_total", "Tokens embedded.")
        self.cost = counter(
            "patchbay_embedding_cost_dollars_total", "US dollars of priced embedding calls."
        )
        self.unpriced = counter(
            "patchbay_embedding_unpriced_calls_total", "Embedding calls of unknown price."
        )
        self.waiting = Gauge(
            "patchbay_embedding_waiting",
            "Transcripts that are not embedded yet.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.all = (self.calls, self.tokens, self.cost, self.unpriced, self.waiting)

    def observe(self, record: Record) -> None:
        """Count a call that ended."""
        labels = (record.provider_name, record.request_model)
        self.calls.labels(*labels, record.reason).inc()
        if record.input_tokens:
            self.tokens.labels(*labels).inc(record.input_tokens)
        if record.cost_nano is None:
            self.unpriced.labels(*labels).inc()
        elif record.cost_nano:
            self.cost.labels(*labels).inc(record.cost_nano / 1e9)
