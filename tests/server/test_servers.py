"""Streams under every server that we name, and the client who leaves in the middle of one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.chaos import Data, Hold, Stall, speech, stream
from tests.server.process import DAPHNE, RUNSERVER, SERVE, SERVE_TWO, Running, running

SEEN_WITHIN = 0.25
PATIENCE = 30.0

SERVERS = [
    pytest.param(SERVE, id="serve"),
    pytest.param(SERVE_TWO, id="serve with two workers"),
    pytest.param(DAPHNE, id="daphne"),
    pytest.param(RUNSERVER, id="runserver"),
]


@pytest.mark.parametrize("command", SERVERS)
async def test_a_stream_arrives_as_it_is_made_and_leaving_it_reaches_the_upstream(
    command, chaos, database
):
    events, rest = speech.chat_events(), asyncio.Event()
    chaos.on("gpt-whole", stream(events[:2], then=[Hold(rest), *map(Data, events[2:])]))
    chaos.on("gpt-begun", stream(events[:2], then=[Stall()]))
    async with running(chaos, database, command) as gateway:
        assert (await gateway.chat()).status_code == 200

        client = await gateway.open_stream("gpt-whole")  # its first content is here already
        rest.set()
        body, complete = await client._chunks()
        assert complete
        assert body.endswith(speech.DONE)

        client = await gateway.open_stream("gpt-begun")
        left = monotonic()
        client.leave()
        assert await (await chaos.seen(3)).leaving() - left < SEEN_WITHIN


async def test_a_worker_that_dies_is_replaced(chaos, database):
    async with running(chaos, database, SERVE_TWO) as gateway:
        before = workers(gateway)
        assert len(before) == 2
        killed = before.pop()
        os.kill(killed, signal.SIGKILL)
        assert await asyncio.to_thread(
            until, lambda: len(workers(gateway) - {killed}) == 2 and workers(gateway) > before
        )
        assert (await gateway.chat()).status_code == 200


async def test_workers_do_not_outlive_a_supervisor_that_is_killed(chaos, database):
    async with running(chaos, database, SERVE_TWO, DRAIN_DELAY_SECONDS=0) as gateway:
        before = workers(gateway)
        gateway.process.kill()
        assert await asyncio.to_thread(
            until, lambda: not any(Path(f"/proc/{worker}").exists() for worker in before)
        )


async def test_metrics_are_one_sum_over_all_workers(chaos, database):
    async with running(chaos, database, SERVE_TWO) as gateway:
        for _ in range(20):
            assert (await gateway.chat()).status_code == 200
        counts = {
            sum(
                float(line.rpartition(" ")[2])
                for line in (await gateway.get("/metrics")).body.decode().splitlines()
                if line.startswith("patchbay_requests_total{")
            )
            for _ in range(6)
        }
        assert counts == {20.0}


def workers(gateway: Running) -> set[int]:
    """The worker processes of a supervisor (it has a helper of its own beside them)."""
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children")
    pids = {int(pid) for pid in children.read_text().split()}
    return {pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def until(true: Callable[[], bool]) -> bool:
    """Whether it becomes true within the patience of a test."""
    end = monotonic() + PATIENCE
    while not true() and monotonic() < end:
        sleep(0.05)
    return true()
