"""The Refresher: what was published reaches the worker, whatever happens to a look at the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User, update_last_login
from django.db import DatabaseError, connection

from routing.apply import apply
from routing.refresh import Refresher, Update
from tests.databases import apart
from usage.keys import make_key
from usage.models import ClientKey

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


@contextmanager
def seen_queries() -> Iterator[list[str]]:
    found: list[str] = []

    def execute(run: Any, sql: str, *rest: Any) -> Any:
        found.append(sql)
        return run(sql, *rest)

    with connection.execute_wrapper(execute):
        yield found


def keys(*names: str) -> None:
    apply({"client_keys": [{"name": name, "secret": make_key()} for name in names]})


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


def test_a_change_of_one_key_reads_no_other(database: Path, tmp_path: Path):
    def look() -> tuple[Update | None, list[str]]:
        refresher = Refresher(tmp_path / KEPT)
        keys("alice", "bob")
        refresher.poll()
        ClientKey.objects.get(name="bob").save()
        with seen_queries() as found:
            return refresher.poll(), found

    update, queries = apart(look)
    assert update is not None
    assert update.changes is not None
    assert [caller.name for _, caller in update.changes.callers] == ["bob"]
    assert update.ids is None
    of_keys = [sql for sql in queries if "usage_clientkey" in sql and "COUNT" not in sql]
    assert all("WHERE" in sql for sql in of_keys)


def test_a_deleted_key_is_missed_though_another_came_at_the_same_time(
    database: Path, tmp_path: Path
):
    def look() -> tuple[Update | None, frozenset[int]]:
        refresher = Refresher(tmp_path / KEPT)
        keys("alice", "bob")
        refresher.poll()
        ClientKey.objects.get(name="bob").delete()
        keys("carol")
        return refresher.poll(), frozenset(ClientKey.objects.values_list("pk", flat=True))

    update, left = apart(look)
    assert update is not None
    assert update.ids == left


def delete_one(user: User) -> None:
    user.delete()


def delete_many(user: User) -> None:
    User.objects.filter(pk=user.pk).delete()


def rename(user: User) -> None:
    user.username = "Anne"
    user.save()


@pytest.mark.parametrize(
    ("change", "owner"), [(delete_one, ""), (delete_many, ""), (rename, "Anne")]
)
def test_the_owner_of_a_key_is_renamed_or_gone_on_every_worker(
    database: Path, tmp_path: Path, change: Callable[[User], None], owner: str
):
    def look() -> tuple[list[str], list[str]]:
        refresher = Refresher(tmp_path / KEPT)
        keys("alice", "bob")
        user = User.objects.create_user("ann")
        key = ClientKey.objects.get(name="alice")
        key.owner = user
        key.save()
        before = refresher.poll()
        change(user)
        return owners(before), owners(refresher.poll())

    assert apart(look) == (["ann", ""], [owner])


def test_a_login_renumbers_no_key(database: Path, tmp_path: Path):
    def look() -> Update | None:
        refresher = Refresher(tmp_path / KEPT)
        keys("alice")
        user = User.objects.create_user("ann")
        ClientKey.objects.update(owner=user)
        refresher.poll()
        update_last_login(User, user)
        return refresher.poll()

    assert apart(look) is None


def owners(update: Update | None) -> list[str]:
    assert update is not None
    assert update.changes is not None
    return [caller.owner for _, caller in sorted(update.changes.callers, key=lambda one: one[1].id)]
