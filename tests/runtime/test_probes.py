"""What a worker says of itself while something it needs is away, and what it serves meanwhile."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection
from prometheus_client import REGISTRY

from routing.probes import OVERDUE_SECONDS
from tests.books.shelf import record
from tests.chaos import Stall, speech, stream
from tests.databases import apart
from tests.house import House
from tests.server.process import running
from usage.journal import MOST_KEPT, RETRY_SECONDS, Journal

TABLE = "patchbay_routing_configversion"
REAL, AWAY = TABLE, f"{TABLE}_away"


async def rename(old: str, new: str) -> None:
    """The table of configurations goes and comes back: as good as a database that does."""

    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    await asyncio.to_thread(apart, work)


@contextmanager
def full_disk(journal: Journal) -> Iterator[None]:
    kept, full = os.dup(journal._file), os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._file)
    try:
        yield
    finally:
        os.dup2(kept, journal._file)
        os.close(kept)
        os.close(full)


async def readiness(house: House, status: str) -> tuple[int, dict[str, Any]]:
    """(HTTP status, checks) of /readyz once it says this."""
    async with asyncio.timeout(5):
        while True:
            answer = await house.client.get("/readyz")
            if answer.json()["status"] == status:
                return answer.status_code, answer.json()["checks"]
            await asyncio.sleep(0.02)


def gauge(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"patchbay_{name}")


async def until_gauge(name: str, least: float) -> None:
    async with asyncio.timeout(5):
        while (gauge(name) or 0) < least:  # noqa: ASYNC110 — it is no event
            await asyncio.sleep(0.02)


async def test_without_a_database_known_keys_are_served_and_strangers_hear_no_details(house: House):
    assert (await readiness(house, "ready"))[0] == 200
    await rename(REAL, AWAY)
    status, checks = await readiness(house, "degraded")
    assert status == 200
    assert checks["database"] == {"ok": False, "text": "unreachable"}
    assert (await house.chat()).status_code == 200
    page = await house.client.get("/healthz?format=json")
    assert page.status_code == 503
    assert TABLE not in page.text
    await rename(AWAY, REAL)
    assert (await readiness(house, "ready"))[0] == 200


async def test_a_database_that_does_not_answer_at_all_is_away_too(house: House):
    waits, release = threading.Event(), threading.Event()

    def hold_up() -> None:
        waits.set()
        release.wait()

    house.runtime._threads.submit(hold_up)
    try:
        await asyncio.to_thread(waits.wait)
        house.runtime._refresher.refreshed_at -= OVERDUE_SECONDS
        assert (await readiness(house, "degraded"))[1]["database"]["text"] == "unreachable"
        await until_gauge("snapshot_age_seconds", OVERDUE_SECONDS)
    finally:
        release.set()


async def test_a_journal_that_cannot_be_written_takes_the_worker_out_of_traffic(house: House):
    with full_disk(house.runtime._journal):
        assert (await house.chat()).status_code == 200
        status, checks = await readiness(house, "not ready")
        assert (status, checks["journal"]["text"]) == (503, "the journal cannot be written")
    await asyncio.sleep(RETRY_SECONDS)
    assert (await readiness(house, "ready"))[0] == 200
    assert (await house.record())["outcome"] == "completed"


async def test_records_that_a_full_disk_costs_are_counted_and_said(house: House, caplog):
    journal = house.runtime._journal
    with full_disk(journal):
        for _ in range(MOST_KEPT + 3):
            journal.end(record(), rollup_only=True)
        await until_gauge("records_lost", 3)
    assert gauge("records_lost") == 3
    said = [line.getMessage() for line in caplog.records if "are lost" in line.getMessage()]
    assert len(said) == 1


async def test_a_worker_that_was_out_of_touch_for_too_long_refuses(opening: Any):
    async with opening(SNAPSHOT_MAX_AGE=1.0) as house:
        assert (await house.chat()).status_code == 200
        await rename(REAL, AWAY)
        status, checks = await readiness(house, "not ready")
        assert (status, checks["snapshot"]["ok"]) == (503, False)
        refused = await house.chat()
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "out_of_date")
        assert refused.headers["retry-after"]
        await rename(AWAY, REAL)
        assert (await readiness(house, "ready"))[0] == 200
        assert (await house.chat()).status_code == 200


async def test_what_the_database_does_not_have_yet_is_shown(house: House):
    await rename("patchbay_usage_usagerecord", "away")
    assert (await house.chat()).status_code == 200
    await until_gauge("journal_backlog", 1)
    assert (await readiness(house, "degraded"))[0] == 200
    await rename("away", "patchbay_usage_usagerecord")
    assert (await house.record())["outcome"] == "completed"


async def test_the_gauges_show_what_the_worker_has_in_hand(chaos, database: Path):
    chaos.on("gpt-begun", stream(speech.chat_events()[:2], then=[Stall()]))
    async with running(chaos, database, SNAPSHOT_POLL_SECONDS="0.05") as gateway:
        await gateway.open_stream("gpt-begun")
        await asyncio.sleep(0.2)
        text = (await gateway.get("/metrics")).body.decode()
    shown = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("patchbay_"))
    assert float(shown["patchbay_in_flight"]) == 1
    assert float(shown["patchbay_client_connections"]) >= 1
    assert float(shown["patchbay_upstream_connections"]) == 1
    assert float(shown["patchbay_snapshot_number"]) == 1
    assert 0 <= float(shown["patchbay_snapshot_age_seconds"]) < 5
