"""`kill -9` of every process under load: afterwards every whole answer is in the books, once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import call_command

from tests.chaos import Chaos
from tests.databases import apart
from tests.house import CHAT, asked
from tests.server.process import SERVE, SERVE_TWO, Running, running

CLIENTS = 16
WHOLE_BEFORE = 150
"""Answers to wait for before the kill, so that some are in the database and some are not yet."""
PATIENCE = 20.0


async def ask(gateway: Running, number: int, whole: list[str]) -> None:
    """Ask again and again, every other time for a stream; note the ids of whole answers."""
    headers = {"authorization": f"Bearer {gateway.key}"}
    address = f"http://127.0.0.1:{gateway.port}{CHAT}"
    async with httpx.AsyncClient(trust_env=False, timeout=5, headers=headers) as client:
        while True:
            number += 1
            streamed = number % 2 == 0
            answer = await client.post(address, json=asked("gpt-test", stream=streamed))
            assert answer.status_code == 200, answer.text
            if not streamed or answer.text.endswith("data: [DONE]\n\n"):
                whole.append(answer.headers["x-request-id"])


async def load_until_killed(gateway: Running) -> list[str]:
    """The ids of the answers that were whole when every process of the gateway was killed."""
    whole: list[str] = []

    async def client(number: int) -> None:
        with suppress(httpx.TransportError):
            await ask(gateway, number, whole)

    clients = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
    async with asyncio.timeout(PATIENCE):
        while len(whole) < WHOLE_BEFORE:  # noqa: ASYNC110 — it is no event
            await asyncio.sleep(0.005)
    os.killpg(gateway.process.pid, signal.SIGKILL)
    await asyncio.wait_for(asyncio.gather(*clients), PATIENCE)
    await gateway.ended()
    return whole


def books() -> list[dict[str, Any]]:
    out = StringIO()
    apart(lambda: call_command("records", "--json", stdout=out))
    return [json.loads(line) for line in out.getvalue().splitlines()]


async def all_in_the_books(ids: set[str]) -> list[dict[str, Any]]:
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await asyncio.to_thread(books)
            if ids <= {record["exchange_id"] for record in found}:
                return found
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("command", [SERVE, SERVE_TWO], ids=["one worker", "two workers"])
async def test_no_whole_answer_is_missing_and_none_is_there_twice(
    command: tuple[str, ...], chaos: Chaos, database: Path
) -> None:
    async with running(chaos, database, command) as gateway:
        whole = await load_until_killed(gateway)
    journals = database.with_name("var") / "journal"
    left = {path.name for path in journals.glob("*.jnl")}
    assert left, "the kill left nothing to replay"
    async with running(chaos, database, command) as gateway:
        found = await all_in_the_books(set(whole))
        counted = Counter(record["exchange_id"] for record in found)
        assert max(counted.values()) == 1
        assert len(set(whole)) == len(whole) >= WHOLE_BEFORE
        extra = [record for record in found if record["exchange_id"] not in whole]
        assert len(extra) <= CLIENTS, "only what was under way may be there besides"
        assert not left & {path.name for path in journals.glob("*.jnl")}
