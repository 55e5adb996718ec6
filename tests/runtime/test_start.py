"""The start: what it needs, what it does without, and that a failed one can be tried again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import override_settings

from proxyproject.entrance import Entrance
from tests.chaos import Chaos
from tests.databases import apart
from tests.house import CHAT, apply, asked, document, stock_django
from usage.keys import make_key

OWN_THREADS = ("books-writer", "patchbay-config", "patchbay-books")
"""Of a worker; those of the log are the process's."""


def threads_of_ours() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith(OWN_THREADS)]


def set_amount(amount: str | int) -> None:
    """Past all checks. One that is no number ends the start when most of it is done."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patchbay_usage_quota SET amount = %s", [amount])


def client_of(entrance: Entrance) -> httpx.AsyncClient:
    """A client that speaks to the application as Daphne does: it is never told of a start."""
    transport = httpx.ASGITransport(app=entrance.http)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.fixture
def var_dir(tmp_path: Path) -> Iterator[Path]:
    """The VAR_DIR that an Entrance of this test has."""
    directory = tmp_path / "var"
    directory.mkdir()
    with override_settings(VAR_DIR=directory, SNAPSHOT_POLL_SECONDS=0.05, DEMO=True):
        yield directory


async def ask(entrance: Entrance, key: str) -> httpx.Response:
    async with client_of(entrance) as client:
        return await client.post(
            CHAT, json=asked("gpt-test"), headers={"authorization": f"Bearer {key}"}
        )


async def test_a_start_that_failed_late_leaves_nothing_and_is_tried_again(
    chaos: Chaos, database: Path, var_dir: Path
):
    key = make_key()
    quota = {"client_key": "alice", "metric": "requests", "window": "minute", "amount": "5"}
    await asyncio.to_thread(apart, lambda: apply({**document(chaos, key), "quotas": [quota]}))
    await asyncio.to_thread(apart, lambda: set_amount("five"))
    entrance = Entrance(stock_django())
    with pytest.raises(TypeError):
        await ask(entrance, key)
    assert threads_of_ours() == []
    assert list((var_dir / "journal").iterdir()) == []

    await asyncio.to_thread(apart, lambda: set_amount(5))
    assert (await ask(entrance, key)).status_code == 200
    await entrance._close()
    assert threads_of_ours() == []


async def test_a_start_that_failed_early_is_tried_again(
    chaos: Chaos, database: Path, var_dir: Path
):
    key = make_key()
    await asyncio.to_thread(apart, lambda: apply(document(chaos, key)))
    in_the_way = var_dir / "journal"
    in_the_way.touch()
    entrance = Entrance(stock_django())
    for _ in range(2):
        with pytest.raises(OSError, match="journal"):
            await ask(entrance, key)
    in_the_way.unlink()
    assert (await ask(entrance, key)).status_code == 200
    await entrance._close()


async def test_the_books_are_closed_though_the_database_keeps_a_thread_waiting(opening: Any):
    release = threading.Event()
    async with opening() as house:
        assert (await house.chat()).status_code == 200
        house.runtime._threads.submit(release.wait)
        began = time.monotonic()
        directory = house.runtime._options.directory
        await house.runtime.stop()
        try:
            assert time.monotonic() - began < 6
            assert list((directory / "journal").iterdir()) == []
        finally:
            release.set()


async def rename(old: str, new: str) -> None:
    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    await asyncio.to_thread(apart, work)


async def test_a_start_without_a_database_has_the_kept_configuration_and_waits_for_the_keys(
    chaos: Chaos, database: Path, var_dir: Path
):
    key, table = make_key(), "patchbay_routing_configversion"
    await asyncio.to_thread(apart, lambda: apply(document(chaos, key)))
    first = Entrance(stock_django())
    assert (await ask(first, key)).status_code == 200
    await first._close()

    await rename(table, "away")
    second = Entrance(stock_django())
    refused = await ask(second, key)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "starting")
    assert second.runtime is not None
    assert second.runtime.live.snapshot.number == 1
    assert second.runtime.probe("/readyz")[0] == 503
    await rename("away", table)
    async with asyncio.timeout(5):
        while second.runtime.probe("/readyz")[0] != 200:  # noqa: ASYNC110 — it is no event
            await asyncio.sleep(0.02)
    assert (await ask(second, key)).status_code == 200
    await second._close()
