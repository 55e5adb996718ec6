"""The log of real servers: shared by workers, whole after every end, and its trouble is nobody else's."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.pages import ROOT
from tests.logs.readiness import metrics_when, readiness, value
from tests.logs.shelf import PATIENCE, lines
from tests.server.process import SERVE, SERVE_TWO, Running, environment, free_port, running

FILE = {"LOG_FILE_LEVEL": "info"}
MANY = 60
UVICORN = ("-m", "uvicorn", "--port", "{port}", "proxyproject.asgi:application")


def requests(found: list[dict[str, Any]]) -> list[str]:
    return sorted(line["exchange_id"] for line in found if line["event"] == "request")


def said(gateway: Running) -> list[dict[str, Any]]:
    """The lines of standard output."""
    return [json.loads(line) for line in gateway.output.splitlines() if line.startswith("{")]


async def ask_many(gateway: Running, times: int = MANY) -> list[str]:
    """The ids that the client got."""
    headers = {"authorization": f"Bearer {gateway.key}"}
    base = f"http://127.0.0.1:{gateway.port}"
    body = {"model": "gpt-test", "messages": [{"role": "user", "content": "Hi"}]}
    async with httpx.AsyncClient(trust_env=False, timeout=20, headers=headers) as client:
        path = f"{base}/v1/chat/completions"
        answers = await asyncio.gather(*(client.post(path, json=body) for _ in range(times)))
    assert {answer.status_code for answer in answers} == {200}
    return sorted(answer.headers["x-request-id"] for answer in answers)


@pytest.mark.parametrize(
    ("command", "number"),
    [
        pytest.param(SERVE, signal.SIGTERM, id="SIGTERM"),
        pytest.param(SERVE, signal.SIGINT, id="SIGINT"),
        pytest.param(SERVE_TWO, signal.SIGTERM, id="SIGTERM, two workers"),
        pytest.param(SERVE_TWO, signal.SIGINT, id="SIGINT, two workers"),
        pytest.param(UVICORN, signal.SIGTERM, id="SIGTERM, a server that ends by the signal"),
    ],
)
async def test_no_line_is_lost_when_a_server_ends(command, number, chaos, database: Path):
    """Lines wait a second, so that nearly all of them are still in memory when the signal comes."""
    settings = {**FILE, "LOG_FLUSH_SECONDS": 1, "DRAIN_DELAY_SECONDS": 0}
    async with running(chaos, database, command, **settings) as gateway:
        told = await ask_many(gateway)
        gateway.signal(number)
        await gateway.ended()
    found = lines(database.with_name("var") / "logs")
    assert requests(found) == told
    assert requests(said(gateway)) == told
    assert len({line["pid"] for line in found if line["event"] == "request"}) <= 2


async def test_the_metrics_say_how_the_log_stands(chaos, database: Path):
    async with running(chaos, database, SERVE, **FILE, LOG_LEVEL="off") as gateway:
        await ask_many(gateway, 5)
        text = await metrics_when(gateway, 'patchbay_log_lines_written{output="file"}', 5)
        assert value(text, 'patchbay_log_lines_dropped{output="file"}') == 0
        assert value(text, "patchbay_log_healthy") == 1
        assert 'output="stdout"' not in text
        gateway.signal()
        await gateway.ended()
    assert gateway.output == ""


async def test_trouble_with_the_log_degrades_and_no_request_notices(chaos, database: Path):
    logs = database.with_name("var") / "logs"
    settings = {**FILE, "LOG_QUEUE_SIZE": 10}
    async with running(chaos, database, SERVE, **settings) as gateway:
        before = await ask_many(gateway, 5)
        await readiness(gateway, "ready")
        await asyncio.to_thread(put_away, logs)
        during = await ask_many(gateway, 40)
        checks = await readiness(gateway, "degraded")
        assert checks["log"]["ok"] is False
        assert str(logs) not in checks["log"]["text"]
        during += await ask_many(gateway, 40)
        await metrics_when(gateway, "patchbay_log_healthy", 0)
        await asyncio.to_thread(bring_back, logs)
        await readiness(gateway, "ready")
        after = await ask_many(gateway, 5)
        gateway.signal()
        await gateway.ended()
    found = lines(logs)
    dropped = sum(line["dropped"] for line in found if line["event"] == "log_gap")
    kept = requests(found)
    assert set(before) | set(after) <= set(kept)
    assert dropped > 0
    others = [line for line in found if line["event"] == "log"]
    missing = len({*before, *during, *after} - set(kept))
    assert missing <= dropped <= missing + 5, others  # the process's own lines may be among them
    assert "the log's file cannot be written" in gateway.output


def put_away(logs: Path) -> None:
    logs.rename(logs.with_name("away"))
    logs.touch()


def bring_back(logs: Path) -> None:
    logs.unlink()
    logs.with_name("away").rename(logs)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_server_that_is_to_stop_without_a_log_does(database: Path, workers: str):
    database.with_name("var").mkdir(exist_ok=True)
    (database.with_name("var") / "logs").touch()
    env = environment(database, **FILE, LOG_ON_UNHEALTHY="stop")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "manage.py", "serve"),
        *("--port", str(free_port()), "--workers", workers),
        cwd=ROOT,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert err.decode().splitlines()[1].startswith("  LOG_DIR is ")


SAY_AND_WAIT = """
import logging, time
for number in range(1000):
    logging.getLogger("test.said").info("line %d", number)
print("said", flush=True)
time.sleep({seconds})
"""


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, None), (None, 0)],
    ids=["SIGTERM", "SIGINT", "its own end"],
)
async def test_no_line_of_a_command_is_lost_when_it_ends(
    database: Path, number: signal.Signals | None, status: int | None
):
    script = SAY_AND_WAIT.format(seconds=30 if number else 0)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "manage.py", "shell", "--no-imports", "-c", script),
        cwd=ROOT,
        env=environment(database, **FILE, LOG_LEVEL="off", LOG_FLUSH_SECONDS=1),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"said\n"
    if number:
        process.send_signal(number)
    await asyncio.wait_for(process.wait(), 15)
    assert status is None or process.returncode == status
    found = lines(database.with_name("var") / "logs")
    assert [line["message"] for line in found] == [f"line {number}" for number in range(1000)]


@pytest.mark.parametrize("sink", ["file", "none"])
async def test_transcripts_of_earlier_runs_go_in_time_where_none_are_kept_any_more(
    chaos, database: Path, sink: str
):
    logs = database.with_name("var") / "logs"
    logs.mkdir(parents=True)
    old = time.time() - 60 * 86_400
    names = ("transcripts.log", "transcripts-20260901T000000.000000Z.log")
    for name in names:
        (logs / name).write_bytes(b"{}\n")
        os.utime(logs / name, (old, old))
    async with running(chaos, database, SERVE, TRANSCRIPT_SINKS=sink):
        async with asyncio.timeout(PATIENCE):
            while any((logs / name).exists() for name in names) or list(logs.glob("transcripts-*")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
