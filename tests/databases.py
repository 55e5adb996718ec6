"""Databases of a test's own: the default connection is pointed at another place for a while."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from django.core.management import call_command
from django.db import connections

Answer = TypeVar("Answer")


def sqlite(path: Path) -> dict[str, Any]:
    """Settings of an SQLite file; the options stay those of the project."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}


@contextmanager
def use_database(changed: Mapping[str, Any]) -> Iterator[None]:
    """Point every thread's next connection at the database of these settings, until the end.

    Connections that other threads have go on with the settings that they were made of.
    """
    before = connections.settings["default"]
    _forget_connection()
    connections.settings["default"] = {**before, **changed}
    try:
        yield
    finally:
        _forget_connection()
        connections.settings["default"] = before


def _forget_connection() -> None:
    """Close this thread's connection; the next use makes one from the settings as they are then."""
    connections["default"].close()
    del connections["default"]


def apart(work: Callable[[], Answer]) -> Answer:
    """Do database work in a thread of its own, which closes its connection.

    Tests run on an event loop, and there Django forbids what waits for a database.
    """
    answers: list[Answer] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # noqa: BLE001 — handed on to the caller's thread
            failures.append(error)
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return answers[0]


def make_template(path: Path) -> Path:
    """An SQLite file with every migration applied, to be copied for each test."""
    with use_database(sqlite(path)):
        apart(lambda: call_command("migrate", verbosity=0))
    return path


def copy_template(template: Path, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(template, path))
