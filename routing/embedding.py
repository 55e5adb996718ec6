"""One call to the embedding model of the settings, with its record for the books. Not for the hot path."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.conf import settings
from prometheus_client import REGISTRY

from routing.exchange import new_id
from routing.metrics import EmbeddingMetrics
from usage.price import cost_nano
from usage.record import AttemptRecord, Record
from usage.transcripts.embedded import Embedded

if TYPE_CHECKING:
    from providers.embedding import EmbeddingFailed, EmbeddingModel, Vectors

NAME = "(search by meaning)"
"""Stands in the books where a client key would; no key is called so."""
BYTES_PER_TOKEN = 4


class Embedder:
    """Asks the model as it is configured at each call, and counts. One a process.

    `hide` takes secrets out of a text: what was kept has none, but a question may.
    """

    def __init__(self, hide: Callable[[str], str]) -> None:
        self._hide = hide
        self._making = threading.Lock()
        self._metrics: EmbeddingMetrics | None = None

    def __call__(self, texts: list[str]) -> Embedded:
        # here, because its HTTP client is large
        from providers.embedding import EmbeddingFailed, ask_for_vectors, find_model

        texts = [self._hide(text) for text in texts]
        provider, _, name = settings.EMBEDDING_MODEL.partition("/")
        began, started_at = time.monotonic(), time.time()
        try:
            model = find_model(provider, name)
        except EmbeddingFailed as failure:
            return Embedded([], None, _sentence(failure))
        record = _record(model, started_at, texts)
        try:
            answer = ask_for_vectors(model, texts)
        except EmbeddingFailed as failure:
            _fail(record, failure)
            made = Embedded([], record, _sentence(failure), failure.texts_refused)
        else:
            _complete(record, model, answer)
            made = Embedded(list(answer.vectors), record)
        record.total_ms = round((time.monotonic() - began) * 1000, 3)
        record.attempts = [_attempt(record)]
        self.metrics.observe(record)
        return made

    @property
    def metrics(self) -> EmbeddingMetrics:
        """Not before they are wanted: a process that asks for nothing shows none."""
        with self._making:
            if self._metrics is None:
                self._metrics = EmbeddingMetrics(REGISTRY)
            return self._metrics


def _sentence(failure: EmbeddingFailed) -> str:
    """With the setting that names whom it is about."""
    what = " Set its credential in the admin." if failure.status in (401, 403) else ""
    return f"{settings.EMBEDDING_MODEL} (EMBEDDING_MODEL): {failure}{what}"


def _record(model: EmbeddingModel, started_at: float, texts: list[str]) -> Record:
    return Record(
        exchange_id=new_id(),
        started_at=started_at,
        kind="embedding",
        client_key_name=NAME,
        provider_name=model.provider,
        deployment=model.model,
        credential_label=model.label,
        client_format="openai.embeddings",
        upstream_format="openai.embeddings",
        original_model=model.model,
        request_model=model.model,
        request_bytes=sum(len(text.encode()) for text in texts),
        cost_nano=0,
    )


def _fail(record: Record, failure: EmbeddingFailed) -> None:
    record.outcome, record.reason = "failed", failure.reason
    record.status = failure.status


def _complete(record: Record, model: EmbeddingModel, answer: Vectors) -> None:
    record.outcome, record.reason, record.status = "completed", "ok", 200
    record.response_model = answer.model
    record.response_bytes = answer.bytes
    record.usage_source = "provider" if answer.tokens else "estimated"
    record.input_tokens = answer.tokens or -(-record.request_bytes // BYTES_PER_TOKEN)
    record.cost_nano = None if model.price is None else cost_nano(model.price, record)
    record.price_id = "" if model.price is None else model.price.id


def _attempt(record: Record) -> AttemptRecord:
    return AttemptRecord(
        provider=record.provider_name,
        deployment=record.deployment,
        model=record.request_model,
        credential=record.credential_label,
        status=record.status,
        reason=record.reason,
        ms=record.total_ms,
    )
