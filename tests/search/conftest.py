"""An empty database of each kind, with every migration applied, that Django's connection leads to."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import environ
import psycopg
import pytest
from django.core.management import call_command

from tests.conftest import POSTGRES
from tests.databases import apart, copy_template, sqlite, use_database
from tests.search.archive import Archive
from tests.search.embedder import (
    MODEL,
    EmbeddingServer,
    Meaning,
    add_provider,
    embedder,
    has_extension,
    open_embedder,
)
from usage.transcripts.indexer import Indexer


@pytest.fixture(scope="session")
def postgres_template(django_db_blocker) -> Iterator[str]:
    """A database to be copied for each test."""
    name = f"search_template_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(os.environ[POSTGRES], autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            with django_db_blocker.unblock(), use_database(postgres(name)):
                apart(lambda: call_command("migrate", verbosity=0))
            yield name
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def archive(request, tmp_path: Path, template: Path, django_db_blocker) -> Iterator[Archive]:
    """Empty tables, once on each database."""
    if request.param == "sqlite":
        place = sqlite(copy_template(template, tmp_path / "patchbay.db"))
        with django_db_blocker.unblock(), use_database(place):
            yield Archive(place)
        return
    original = request.getfixturevalue("postgres_template")
    name = f"search_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(os.environ[POSTGRES], autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {original}")
        try:
            place = postgres(name)
            with django_db_blocker.unblock(), use_database(place):
                if request.param == "pgvector" and not has_extension():
                    pytest.skip("this PostgreSQL server has no pgvector")
                yield Archive(place)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def postgres(name: str) -> dict[str, Any]:
    """Django's settings of a database of the tests' server."""
    address = urlunsplit(urlsplit(os.environ[POSTGRES])._replace(path=f"/{name}"))
    return {**environ.Env.db_url_config(address), "OPTIONS": {}}


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    """The embedding model."""
    with open_embedder() as server:
        yield server


@pytest.fixture
def meaning(
    archive: Archive, server: EmbeddingServer, tmp_path: Path, settings: Any
) -> Iterator[Meaning]:
    """Empty tables, and a Provider with the embedding model that is set."""
    settings.EMBEDDING_MODEL = MODEL
    settings.TRANSCRIPT_SINKS = ("database",)
    add_provider(server.url)
    made = Meaning(archive, server, Indexer(embedder(), MODEL, tmp_path / "meaning.lock"))
    yield made
    made.indexer.close()
