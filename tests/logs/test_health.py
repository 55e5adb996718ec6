"""All log files of a server are looked after: those of transcripts as well, with and without a log."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxyproject.log_alarm import Alarm, Bell
from tests.docs.pages import ROOT
from tests.house import OPENAI_SECRET, House, provider, rule
from tests.logs.readiness import metrics_when, readiness, value
from tests.server.process import SERVE, environment, free_port, running

TRANSCRIPTS = {"LOG_FILE_LEVEL": "off", "LOG_BODIES": "full"}
"""Files of transcripts alone."""


def logs_of(database: Path) -> Path:
    directory = database.with_name("var") / "logs"
    directory.parent.mkdir(exist_ok=True)
    return directory


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_server_that_is_to_stop_does_so_where_transcripts_alone_have_no_place(
    database: Path, workers: str
):
    logs = logs_of(database)
    logs.touch()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "manage.py", "serve"),
        *("--port", str(free_port()), "--workers", workers),
        cwd=ROOT,
        env=environment(database, **TRANSCRIPTS, LOG_ON_UNHEALTHY="stop"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    said = err.decode().splitlines()[1]
    assert said.startswith(
        f"  LOG_DIR is {str(logs)!r}; the directory of the transcripts cannot be used (File exists). "
    )
    assert said.endswith(
        "or set LOG_DIR to another directory. LOG_ON_UNHEALTHY=warn starts anyway."
    )


async def test_a_server_that_writes_no_file_wants_no_directory(chaos, database: Path):
    logs = logs_of(database)
    logs.touch()
    settings = {"LOG_FILE_LEVEL": "off", "LOG_ON_UNHEALTHY": "stop"}
    async with running(chaos, database, SERVE, **settings) as gateway:
        await readiness(gateway, "ready")


async def test_the_place_of_transcripts_is_looked_at_from_the_start_on(chaos, database: Path):
    logs = logs_of(database)
    logs.touch()
    async with running(chaos, database, SERVE, **TRANSCRIPTS) as gateway:
        checks = await readiness(gateway, "degraded")
        assert checks["log"] == {
            "ok": False,
            "text": "the directory of the transcripts cannot be used (File exists)",
        }
        metrics = await metrics_when(gateway, "patchbay_log_healthy", 0)
        assert str(logs) not in metrics
        logs.unlink()
        await readiness(gateway, "ready")
        gateway.signal()
        await gateway.ended()
    told = f"patchbay: LOG_DIR is {str(logs)!r}; the directory of the transcripts cannot be used"
    [alarm, over] = [line for line in gateway.output.splitlines() if line.startswith("patchbay: ")]
    assert alarm.startswith(told)
    assert over == "patchbay: the transcripts can be written again"
    logged = [line for line in gateway.output.splitlines() if '"logger":"patchbay.logs"' in line]
    assert [str(logs) in line for line in logged if "the directory of the" in line] == [True]


async def test_a_directory_that_holds_log_and_transcripts_is_one_problem(chaos, database: Path):
    logs = logs_of(database)
    async with running(chaos, database, SERVE, LOG_FILE_LEVEL="info", LOG_BODIES="full") as gateway:
        for _ in range(5):
            await gateway.chat()
        logs.rename(logs.with_name("away"))
        logs.touch()
        await gateway.chat()
        one = "the directory of the log and the transcripts cannot be used (File exists)"
        async with asyncio.timeout(10):
            while (await readiness(gateway, "degraded"))["log"]["text"] != one:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        page = await gateway.get("/healthz?format=json")
        assert (page.status, page.json["log"]) == (503, f"Unavailable: {one}")
        logs.unlink()
        await readiness(gateway, "ready")
        gateway.signal()
        await gateway.ended()
    output = gateway.output.splitlines()
    alarms = [line for line in output if line.startswith("patchbay: ") and "again" not in line]
    assert len(alarms) == 1
    assert f"LOG_DIR is {str(logs)!r}" in alarms[0]
    assert len([line for line in output if '"logger":"patchbay.logs"' in line]) == 1
    assert not [line for line in output if "Traceback" in line or "0 lines" in line]


async def test_the_size_of_all_files_is_shown(chaos, database: Path):
    logs = logs_of(database)
    logs.mkdir()
    (logs / "patchbay-20991126T101112.123456Z.log").write_bytes(b"x" * 1000)
    (logs / "transcripts-20991126T101112.123456Z.log").write_bytes(b"x" * 2000)
    (logs / "transcripts.log").write_bytes(b"x" * 4000)
    settings = {"LOG_FILE_LEVEL": "error", "LOG_COMPRESS": "no"}
    async with running(chaos, database, SERVE, **settings) as gateway:
        text = await metrics_when(gateway, "patchbay_log_bytes", 7000)
        assert value(text, "patchbay_log_files") == 3


async def test_transcripts_that_a_rule_wants_are_looked_after_from_the_first_one_on(
    opening: Any, tmp_path: Path, chaos, capfd: pytest.CaptureFixture[str]
):
    logs = tmp_path / "logs"
    logs.touch()
    changed = {
        "providers": [provider("openai", chaos.openai_url, OPENAI_SECRET)],
        "rules": [rule("gpt", "gpt-*", ["openai"], transcripts="metadata")],
    }
    async with opening(changed, LOG_DIR=logs) as house:
        assert (await log_of(house))["text"] == "well"
        await house.chat()
        await until(house, "the directory of the transcripts")
        logs.unlink()
        await until(house, "well")
    assert f"LOG_DIR is {str(logs)!r}" in capfd.readouterr().err


async def until(house: House, text: str) -> None:
    async with asyncio.timeout(10):
        while text not in (await log_of(house))["text"]:  # noqa: ASYNC110 — a probe has no event
            await asyncio.sleep(0.05)


async def log_of(house: House) -> dict[str, Any]:
    """What the readiness probe says of the log."""
    answer: httpx.Response = await house.client.get("/readyz")
    found: dict[str, Any] = answer.json()["checks"]["log"]
    return found


def test_one_thing_to_do_in_a_directory_is_said_once_and_another_one_as_well(
    capfd: pytest.CaptureFixture[str],
):
    bell = Bell()
    log, transcripts = Alarm("the log"), Alarm("transcripts")
    log.ring("finds no room", bell, "Make room.")
    transcripts.ring("find no room", bell, "Make room.")
    transcripts.ring("may not be written", bell, "Allow it.")
    assert capfd.readouterr().err.splitlines() == [
        "the log finds no room",
        "transcripts may not be written",
    ]
