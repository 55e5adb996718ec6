"""A write that does not come back: it is said why lines wait, elsewhere, until it has come back."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from proxyproject.log_pipe import Output
from routing.log_lines import Line
from tests.logs.hanging import Fifo, held
from tests.logs.readiness import metrics_when, readiness
from tests.logs.shelf import gaps, line, lines, numbers, outputs, wait_until
from tests.logs.test_lock import waits_for
from tests.logs.test_serving import ask_many, requests
from tests.server.process import SERVE, running
from usage.log_lock import write_lock

BOUND = 5.0
"""Seconds for all outputs together."""
REST = 4.0
"""Seconds for all else that a server does at its end."""
HUNG = "a write has hung for more than 5 seconds"


async def test_standard_output_that_nobody_reads(chaos, database: Path, tmp_path: Path):
    fifo = Fifo(tmp_path / "stdout")
    settings = {"LOG_FILE_LEVEL": "info", "DRAIN_DELAY_SECONDS": 0}
    async with running(chaos, database, SERVE, stdout=fifo.end, **settings) as gateway:
        told = await ask_many(gateway)
        checks = await readiness(gateway, "degraded")
        assert checks["log"] == {"ok": False, "text": f"the log's stdout is behind ({HUNG})"}
        await metrics_when(gateway, "patchbay_log_healthy", 0)
        await until(lambda: f"patchbay: the log's stdout is behind ({HUNG})\n" in gateway.output)
        fifo.read()
        await readiness(gateway, "ready")
        await until(lambda: "patchbay: the log's stdout is written again" in gateway.output)
        gateway.signal()
        await gateway.ended()
    file = lines(database.with_name("var") / "logs")
    assert f"the log's stdout is behind ({HUNG})" in [each.get("message") for each in file]
    assert requests([json.loads(each) for each in fifo.text().splitlines()]) == told
    assert requests(file) == told


def test_a_write_that_hangs_is_not_first_told_of_as_lines_that_wait():
    came_back = threading.Event()

    def encode(line: Line) -> bytes:
        time.sleep(0.3)  # as on a busy machine: the turn is older than its write
        return b"{}\n"

    def hang(data: bytes) -> None:
        came_back.wait(60)

    output = Output("file", hang, encode, 10, 0.01, encode_gap=encode)
    output.put(line(0))
    wait_until(lambda: output.delay, "the trouble")
    assert output.delay == HUNG
    came_back.set()
    output.stop(BOUND)
    assert (output.written, output.delay) == (1, "")


async def test_a_file_whose_lock_another_process_holds(chaos, database: Path):
    logs = database.with_name("var") / "logs"
    settings = {"LOG_FILE_LEVEL": "info", "LOG_BODIES": "metadata", "DRAIN_DELAY_SECONDS": 0}
    async with running(chaos, database, SERVE, **settings) as gateway:
        with held(logs / "patchbay.log", logs / "transcripts.log"):
            told = await ask_many(gateway)
            checks = await readiness(gateway, "degraded")
            assert f"the log's file is behind ({HUNG})" in checks["log"]["text"]
            assert str(logs) not in checks["log"]["text"]
            for name in ("file", "transcripts"):
                await until(alarmed, gateway, f"patchbay: the log's {name} is behind ({HUNG})")
        await readiness(gateway, "ready")
        gateway.signal()
        await gateway.ended()
    assert requests(lines(logs)) == told
    kept = (logs / "transcripts.log").read_text().splitlines()
    assert sorted(json.loads(each)["exchange_id"] for each in kept) == told


async def test_a_process_ends_within_five_seconds_though_all_of_its_outputs_hang(
    chaos, database: Path, tmp_path: Path
):
    fifo, logs = Fifo(tmp_path / "stdout"), database.with_name("var") / "logs"
    settings = {"LOG_FILE_LEVEL": "info", "LOG_BODIES": "metadata", "DRAIN_DELAY_SECONDS": 0}
    async with running(chaos, database, SERVE, stdout=fifo.end, **settings) as gateway:
        with held(logs / "patchbay.log", logs / "transcripts.log"):
            await ask_many(gateway)
            began = time.monotonic()
            gateway.signal()
            await gateway.ended()
            took = time.monotonic() - began
    assert took < BOUND + REST
    for name in ("stdout", "file", "transcripts"):
        assert f"patchbay: the log's {name} could not be written at the end; " in gateway.output


def test_an_output_that_hangs_at_the_end_costs_no_line_of_another(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    made = outputs(tmp_path, level="info", flush_seconds=1.0)
    made.start()
    with held(tmp_path / "patchbay.log"):
        for number in range(100):
            made.put(20, line(number))
        made.stop(0.5)
        assert made.state().dropped == {"stdout": 0, "file": 100}
    told = capfd.readouterr()
    assert [json.loads(each)["number"] for each in told.out.splitlines()] == list(range(100))
    assert "the log's file could not be written at the end; 100 lines are lost" in told.err


def test_what_comes_back_after_the_end_is_counted_as_written(tmp_path: Path):
    made = outputs(tmp_path)
    made.start()
    with held(tmp_path / "patchbay.log"):
        for number in range(10):
            made.put(20, line(number))
        wait_until(lambda: waits_for(write_lock(tmp_path / "patchbay.log")), "the write")
        made.put(20, line(10))
        made.stop(0.2)
        assert made.state().dropped["file"] == 11
    wait_until(lambda: made.state().written["file"], "the write")
    state = made.state()
    assert state.written["file"] == len(numbers(tmp_path))
    assert state.written["file"] + state.dropped["file"] == 11
    assert not gaps(tmp_path)


def alarmed(gateway: Any, text: str) -> bool:
    return text in gateway.output


async def until(true: Any, *arguments: Any) -> None:
    async with asyncio.timeout(10):
        while not true(*arguments):  # noqa: ASYNC110 — another process has no event
            await asyncio.sleep(0.05)


def test_a_queue_that_is_full_is_said_at_once_and_goes_away_by_itself(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    made = outputs(tmp_path, queue_size=50)
    made.start()
    with held(tmp_path / "patchbay.log"):
        made.put(20, line(0))
        wait_until(lambda: waits_for(write_lock(tmp_path / "patchbay.log")), "the write")
        assert not made.state().problem
        for number in range(1, 200):
            made.put(20, line(number))
        assert made.state().problem == "the log's file is behind (its queue is full)"
        wait_until(lambda: "is behind (its queue is full)" in caplog.text, "the warning")
    wait_until(lambda: not made.state().problem, "the recovery")
    said = ""

    def over() -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return said.endswith("patchbay: the log's file is written again\n")

    wait_until(over, "the end of the alarm")
    assert "patchbay: the log's file is behind (its queue is full); " in said
    made.stop()
    state = made.state()
    assert state.written["file"] == len(numbers(tmp_path)) == 200 - state.dropped["file"] < 200
    assert sum(gap["dropped"] for gap in gaps(tmp_path)) == state.dropped["file"]
