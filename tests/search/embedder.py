"""An embedding model on loopback: texts with the same words have vectors that point the same way."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.apps import apps
from django.db import connection
from prometheus_client import REGISTRY

from providers.models import Credential, Deployment, ModelPrice, Provider
from providers.secrets import seal
from tests.search.archive import Archive
from usage.models import Passage
from usage.transcripts.embedded import Embed
from usage.transcripts.indexer import Indexer
from usage.transcripts.meaning import FoundByMeaning, search_by_meaning
from usage.transcripts.search import Filters

MODEL = "acme/words-1"
SECRET = "sk-embed-0123456789abcdef"


@dataclass
class EmbeddingServer:
    """`answers` are scripted (status, body), used up first; `refuses` is a word that it answers 400 to."""

    url: str = ""
    size: int = 64
    refuses: str = ""
    broken: bool = False
    answers: deque[tuple[int, bytes]] = field(default_factory=deque)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    meanwhile: Callable[[], Any] = lambda: None

    @property
    def texts(self) -> list[str]:
        """All that it was sent."""
        return [text for asked in self.asked for text in asked["input"]]

    def answer(self, asked: dict[str, Any]) -> tuple[int, bytes]:
        self.asked.append(asked)
        self.meanwhile()
        if self.answers:
            return self.answers.popleft()
        texts = asked["input"]
        if self.broken or (self.refuses and any(self.refuses in text for text in texts)):
            return 400, b'{"error":{"message":"no"}}'
        data = [
            {"object": "embedding", "index": at, "embedding": vector(text, self.size)}
            for at, text in enumerate(texts)
        ]
        used = {"prompt_tokens": 7 * len(texts), "total_tokens": 7 * len(texts)}
        return 200, json.dumps({"data": data[::-1], "model": "words-1", "usage": used}).encode()


def vector(text: str, size: int = 64) -> list[float]:
    """A count of words, each at a place of its own, by chance shared with others."""
    counts = [0.0] * size
    for word in "".join(mark if mark.isalnum() else " " for mark in text.lower()).split():
        counts[zlib.crc32(word.encode()) % size] += 3.0
    return counts


@contextmanager
def open_embedder() -> Iterator[EmbeddingServer]:
    model = EmbeddingServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            model.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, answer = (
                model.answer(json.loads(body)) if self.path == "/v1/embeddings" else (404, b"")
            )
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield model
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def embedder() -> Embed:
    """What the pages of search by meaning ask."""
    usage: Any = apps.get_app_config("patchbay_usage")
    return usage.embed  # type: ignore[no-any-return]


def add_provider(url: str) -> Provider:
    """The Provider that EMBEDDING_MODEL names; a token of its model costs 2 dollars per million."""
    provider = Provider.objects.create(
        name="acme", adapter="openai_compatible", base_url=url, allow_private_network=True
    )
    Credential.objects.create(
        provider=provider, label="main", secret=seal(SECRET, "acme/main"), last4="cdef"
    )
    deployment = Deployment.objects.create(provider=provider, model="words-1")
    ModelPrice.objects.create(deployment=deployment, input_per_mtok=2, output_per_mtok=0)
    return provider


@dataclass
class Meaning:
    """An archive whose transcripts are embedded by the server."""

    archive: Archive
    server: EmbeddingServer
    indexer: Indexer

    def index(self) -> None:
        """Embed all that waits, as the thread does."""
        try:
            while self.indexer.turn():
                pass
        finally:
            self.indexer.close()

    def start_again(self) -> None:
        """As after a restart: nothing is remembered but what is in the database."""
        self.indexer = Indexer(embedder(), MODEL, self.indexer._lock)

    def keep(self, *lines: dict[str, Any]) -> None:
        self.archive.keep(*lines)
        self.index()

    def found(self, text: str, limit: int = 25, **more: Any) -> FoundByMeaning:
        compared = {"compared": more.pop("compared")} if "compared" in more else {}
        [asked] = embedder()([text]).vectors
        return search_by_meaning(asked, MODEL, Filters(**more), limit, **compared)

    def ids(self, text: str, limit: int = 25, **filters: Any) -> list[str]:
        return [str(hit.exchange_id) for hit in self.found(text, limit, **filters).hits]

    def passages(self) -> int:
        return Passage.objects.count()

    def marks(self) -> list[str | None]:
        """What each transcript was embedded with, in their order."""
        rows = self.archive.rows(
            "SELECT made_with FROM patchbay_usage_embedding ORDER BY transcript_id"
        )
        return [mark for (mark,) in rows]


def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait for what a thread does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def sample(name: str, **more: str) -> float:
    labels = {} if name.endswith("waiting") else {"provider": "acme", "model": "words-1"}
    return REGISTRY.get_sample_value(name, {**labels, **more}) or 0.0


@contextmanager
def locked_while_asked(server: EmbeddingServer) -> Iterator[None]:
    """SQLite takes nothing from the moment that the model is asked; who waits, waits shortly."""
    options = connection.settings_dict["OPTIONS"]
    patience, options["timeout"] = options["timeout"], 0.1
    place = connection.settings_dict["NAME"]
    held: list[sqlite3.Connection] = []

    def lock() -> None:
        if not held:
            held.append(sqlite3.connect(place, isolation_level=None, check_same_thread=False))
            held[0].execute("BEGIN IMMEDIATE")

    server.meanwhile = lock
    connection.close()
    try:
        yield
    finally:
        for each in held:
            each.close()
        server.meanwhile = lambda: None
        options["timeout"] = patience


def has_extension() -> bool:
    """Whether pgvector could be put into this database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")
        if cursor.fetchone() is None:
            return False
        cursor.execute("CREATE EXTENSION vector")
    return True
