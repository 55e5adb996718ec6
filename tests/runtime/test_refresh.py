"""The Refresher: what was published reaches the worker, whatever happens to a look at the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import DatabaseError, connection

from routing.apply import apply
from routing.refresh import Refresher, Update
from tests.databases import apart
from usage.keys import make_key

KEPT = "configuration.json"


def provider(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "adapter": "openai",
        "credentials": [{"label": "main", "secret": "sk-1"}],
        "deployments": [{"model": "*"}],
    }


def publish(*names: str) -> None:
    apply({"providers": [provider(name) for name in names]})


@contextmanager
def queries_fail(fragment: str) -> Iterator[None]:
    """The database is lost at the first query that holds these words."""

    def execute(run: Any, sql: str, *rest: Any) -> Any:
        if fragment in sql:
            raise DatabaseError("the connection was lost")
        return run(sql, *rest)

    with connection.execute_wrapper(execute):
        yield


def kept_number(directory: Path) -> int:
    number: int = msgspec.json.decode((directory / KEPT).read_bytes())["number"]
    return number


@pytest.mark.parametrize("table", ["patchbay_usage_livechange", "patchbay_usage_clientkey"])
def test_a_database_error_in_mid_refresh_loses_no_published_configuration(
    database: Path, tmp_path: Path, table: str
):
    def look() -> tuple[Update | None, Update | None]:
        refresher = Refresher(tmp_path / KEPT)
        publish("first")
        assert refresher.poll() is not None
        publish("first", "second")
        apply({"client_keys": [{"name": "alice", "secret": make_key()}]})
        with queries_fail(table):
            broken = refresher.poll()
        assert (refresher.error, kept_number(tmp_path)) == ("the connection was lost", 1)
        return broken, refresher.poll()

    broken, found = apart(look)
    assert broken is None
    assert found is not None
    assert found.snapshot is not None
    assert (found.snapshot.number, kept_number(tmp_path)) == (2, 2)
    assert found.changes is not None
    assert [caller.name for _, caller in found.changes.callers] == ["alice"]
