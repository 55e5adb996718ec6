"""PostgreSQL away for half a minute under load: known keys go on, and every answer is in the books.

    DATABASE_URL_TEST_POSTGRES=postgres://… make chaos-db

Not one of the usual tests, for it takes a minute. No service is touched: the gateway reaches its
database, a new one, through a proxy that is taken away. OUTAGE_SECONDS changes how long.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import environ
import httpx
import psycopg
import pytest
from django.core.management import call_command

from tests.books.test_kill import books
from tests.chaos import Chaos
from tests.conftest import POSTGRES
from tests.databases import apart, use_database
from tests.house import CHAT, asked
from tests.server.process import Running, running
from tests.tcp_proxy import TcpProxy

OUTAGE_SECONDS = float(os.environ.get("OUTAGE_SECONDS", "30"))
BEFORE_SECONDS = 5.0
AFTER_SECONDS = 5.0
CATCH_UP_SECONDS = 30.0
CLIENTS = 20
PAUSE_SECONDS = 0.2


class Load:
    """Clients that ask once in a while, and what became of it."""

    def __init__(self, gateway: Running) -> None:
        self._gateway = gateway
        self.ids: list[str] = []
        self.failures: Counter[str] = Counter()
        self.slowest = 0.0
        self.stopping = False

    async def run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(CLIENTS)))

    async def _client(self, number: int) -> None:
        headers = {"authorization": f"Bearer {self._gateway.key}"}
        async with httpx.AsyncClient(trust_env=False, timeout=10, headers=headers) as client:
            while not self.stopping:
                number += 1
                await self._ask(client, streamed=number % 2 == 0)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, client: httpx.AsyncClient, streamed: bool) -> None:
        began = time.monotonic()
        try:
            address = f"http://127.0.0.1:{self._gateway.port}{CHAT}"
            answer = await client.post(address, json=asked("gpt-test", stream=streamed))
        except httpx.TransportError as error:
            self.failures[type(error).__name__] += 1
            return
        self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status_code != 200 or (streamed and "data: [DONE]" not in answer.text):
            self.failures[f"status {answer.status_code}"] += 1
        else:
            self.ids.append(answer.headers["x-request-id"])


@pytest.fixture
def postgres(django_db_blocker: Any) -> Iterator[str]:
    """The address of a new database with every migration applied, also the default of the test."""
    server = os.environ[POSTGRES]
    name = f"chaos_{uuid.uuid4().hex[:12]}"
    address = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            place = {**environ.Env.db_url_config(address), "OPTIONS": {}}
            with django_db_blocker.unblock(), use_database(place):
                apart(lambda: call_command("migrate", verbosity=0))
                yield address
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def caught_up(ids: set[str]) -> list[dict[str, Any]]:
    """The records, once these are among them."""
    async with asyncio.timeout(CATCH_UP_SECONDS):
        while True:
            found = await asyncio.to_thread(books)
            if ids <= {record["exchange_id"] for record in found}:
                return found
            await asyncio.sleep(0.2)


@pytest.mark.postgres
async def test_an_outage_of_the_database_costs_no_request_and_no_record(
    chaos: Chaos, postgres: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = urlsplit(postgres)
    with TcpProxy(real.hostname or "127.0.0.1", real.port or 5432) as proxy:
        login = f"{real.username}:{real.password}@" if real.password else f"{real.username}@"
        through = urlunsplit(real._replace(netloc=f"{login}127.0.0.1:{proxy.port}"))
        async with running(chaos, tmp_path / "unused.db", DATABASE_URL=through) as gateway:
            load = Load(gateway)
            clients = asyncio.create_task(load.run())
            await asyncio.sleep(BEFORE_SECONDS)
            before, load.slowest = len(load.ids), 0.0
            await asyncio.to_thread(proxy.stop)
            await asyncio.sleep(OUTAGE_SECONDS)
            during, slowest = len(load.ids) - before, load.slowest
            await asyncio.to_thread(proxy.resume)
            resumed = time.monotonic()
            found = await caught_up(set(load.ids))
            behind = time.monotonic() - resumed
            await asyncio.sleep(AFTER_SECONDS)
            load.stopping = True
            await clients
            found = await caught_up(set(load.ids))
    counted = Counter(record["exchange_id"] for record in found)
    with capsys.disabled():
        print(  # noqa: T201 — the figures are what this is run for
            f"\n{len(load.ids)} answers, {during} of them in {OUTAGE_SECONDS:.0f} s without "
            f"PostgreSQL (slowest {slowest * 1000:.0f} ms); failures: {dict(load.failures) or 'none'}; "
            f"all in the books {behind:.1f} s after it was back"
        )
    assert not load.failures
    assert during > OUTAGE_SECONDS * CLIENTS / 2
    assert set(counted) == set(load.ids)
    assert max(counted.values()) == 1
