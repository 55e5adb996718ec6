"""A ledger on each database, and records to enter in it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import environ
import psycopg
import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper as Postgres
from django.db.backends.sqlite3.base import DatabaseWrapper as Sqlite

from tests.books.shelf import Shelf
from tests.conftest import POSTGRES
from usage.store import own_connection

Connect = Callable[[], BaseDatabaseWrapper]


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    """Where journals lie."""
    directory = tmp_path / "journal"
    directory.mkdir()
    return directory


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def shelf(request, tmp_path: Path, django_db_blocker) -> Iterator[Shelf]:
    """Empty books, once on each database."""
    with django_db_blocker.unblock():
        if request.param == "sqlite":
            yield _shelf(
                Sqlite, {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "b.db"}
            )
        else:
            yield from _postgres_shelf()


def _postgres_shelf() -> Iterator[Shelf]:
    url = os.environ[POSTGRES]
    name = f"books_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            place = environ.Env.db_url_config(urlunsplit(urlsplit(url)._replace(path=f"/{name}")))
            yield _shelf(Postgres, place)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _shelf(wrapper: type[BaseDatabaseWrapper], place: dict[str, Any]) -> Shelf:
    settings = own_connection().settings_dict
    options: dict[str, Any] = {}
    if wrapper is Sqlite:
        options = dict(settings["OPTIONS"])
    return Shelf(wrapper, {**settings, "OPTIONS": options, **place}).fill()
