"""What a gateway keeps in its journal of whom it served, when nobody asks it for anything more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from django.test import override_settings

from proxyproject.door import Door
from proxyproject.logs import ProcessLog, outputs
from routing.runtime import Runtime
from routing.transcribing import Transcripts
from tests.books.shelf import is_named
from tests.chaos import Chaos
from tests.databases import apart
from tests.house import CHAT, apply, asked, document
from usage.keys import make_key
from usage.models import UsageRecord
from usage.transcripts.policy import Policy

PATIENCE = 10.0
NOTHING_KEPT = Transcripts(Policy("off", 1.0, frozenset()), 0, None)


@asynccontextmanager
async def runtime_with(directory: Path, segment_seconds: float) -> AsyncIterator[Runtime]:
    with override_settings(VAR_DIR=directory, SNAPSHOT_POLL_SECONDS=0.05):
        usual = Runtime.from_settings(ProcessLog(outputs()), NOTHING_KEPT)
        await usual.stop()
    runtime = Runtime(usual._options._replace(segment_seconds=segment_seconds))
    try:
        await runtime.start()
        yield runtime
    finally:
        await runtime.stop()


def end_users() -> list[str]:
    """Whom the books name."""
    return list(UsageRecord.objects.values_list("end_user", flat=True))


async def test_a_name_that_is_in_the_books_leaves_the_journal_though_nobody_else_comes(
    chaos: Chaos, database: Path, tmp_path: Path
):
    key = make_key()
    await asyncio.to_thread(apart, lambda: apply(document(chaos, key)))
    async with runtime_with(tmp_path / "var", segment_seconds=0.3) as runtime:
        door = httpx.ASGITransport(app=Door(runtime, frozenset()))
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(transport=door, base_url="http://localhost") as client:
            answer = await client.post(CHAT, json=asked("gpt-test", user="u-4711"), headers=headers)
        assert answer.status_code == 200, answer.text
        journals = tmp_path / "var" / "journal"
        async with asyncio.timeout(PATIENCE):
            while await asyncio.to_thread(apart, end_users) != ["u-4711"]:  # noqa: ASYNC110 — it is no event
                await asyncio.sleep(0.02)
            while is_named("u-4711", journals):  # noqa: ASYNC110 — it is no event
                await asyncio.sleep(0.02)
        assert list(journals.glob("*.jnl")), "it goes on"
