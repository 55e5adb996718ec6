"""Search by meaning, put together: the embedding model of the settings, and one worker's thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection

from proxyproject.logs import hide
from routing.exchange import new_id
from usage.price import cost_nano
from usage.record import AttemptRecord, Record
from usage.transcripts.embedded import Embedded

if TYPE_CHECKING:
    from providers.embedding import EmbeddingFailed, EmbeddingModel, Vectors
    from usage.transcripts.embedded import Embed
    from usage.transcripts.indexer import Indexer

NAME = "(search by meaning)"
"""Stands in the books where a client key would; no key is called so."""
LOCK = "meaning.lock"
STOP_SECONDS = 3.0
BYTES_PER_TOKEN = 4


class MeaningIndex:
    """One worker's thread, if the settings want one."""

    def __init__(self) -> None:
        self._indexer: Indexer | None = None
        self._until = 0.0

    def start(self) -> None:
        if not is_on():
            return
        from usage.transcripts.indexer import (
            Indexer,
        )

        self._indexer = Indexer(_embed_apart, settings.EMBEDDING_MODEL, settings.VAR_DIR / LOCK)
        self._indexer.start()

    def end(self) -> None:
        """Begin nothing new."""
        self._until = time.monotonic() + STOP_SECONDS
        if self._indexer is not None:
            self._indexer.end()

    def stop(self) -> None:
        """Wait for the thread until STOP_SECONDS after `end`."""
        indexer, self._indexer = self._indexer, None
        if indexer is not None:
            indexer.stop(self._until - time.monotonic())


def is_on() -> bool:
    """Whether what is kept is embedded. Vectors tell too much of what is encrypted."""
    kept = "database" in settings.TRANSCRIPT_SINKS and not settings.TRANSCRIPT_ENCRYPTION
    return bool(kept and settings.EMBEDDING_MODEL)


def embedder() -> Embed:
    """What embeds with the model of the settings, for whoever may not know providers."""
    return _embed


def _embed_apart(texts: list[str]) -> Embedded:
    """For a thread: what it reads the configuration with goes back at once."""
    try:
        return _embed(texts)
    finally:
        connection.close()


def _embed(texts: list[str]) -> Embedded:
    """One call to the model as it is configured now, with its record for the books.

    What was kept has no secret in it, but a question may.
    """
    from providers.embedding import (  # its HTTP client is large
        EmbeddingFailed,
        ask_for_vectors,
        find_model,
    )

    texts = [hide(text) for text in texts]
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
    return made


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
