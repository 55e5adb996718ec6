"""Search by meaning in one worker: the thread that has what is kept embedded, if the settings want one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection

if TYPE_CHECKING:
    from routing.embedding import Embedder
    from usage.transcripts.embedded import Embedded
    from usage.transcripts.indexer import Indexer

LOCK = "meaning.lock"
STOP_SECONDS = 3.0


class MeaningIndex:
    """One worker's thread."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._indexer: Indexer | None = None
        self._until = 0.0

    def start(self) -> None:
        if not is_on():
            return
        from usage.transcripts.indexer import Indexer

        lock = settings.VAR_DIR / LOCK
        tell = self._embedder.metrics.waiting.set
        self._indexer = Indexer(self._embed_apart, settings.EMBEDDING_MODEL, lock, tell=tell)
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

    def _embed_apart(self, texts: list[str]) -> Embedded:
        """For a thread: what it reads the configuration with goes back at once."""
        try:
            return self._embedder(texts)
        finally:
            connection.close()


def is_on() -> bool:
    """Whether what is kept is embedded. Vectors tell too much of what is encrypted."""
    kept = "database" in settings.TRANSCRIPT_SINKS and not settings.TRANSCRIPT_ENCRYPTION
    return bool(kept and settings.EMBEDDING_MODEL)
