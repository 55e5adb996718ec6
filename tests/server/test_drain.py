"""How a gateway goes down: readiness, listener, streams, books, in this order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from time import monotonic

import pytest

from tests.chaos import Data, Hold, Stall, speech, stream
from tests.databases import apart
from tests.server.process import PROJECT, SERVE, SERVE_TWO, Running, running

DELAY, TOTAL = 1.2, 3.5
LONG_DELAY = 20
SLACK = 10.0
"""What a busy machine may add to what happens; nothing may happen early."""


@pytest.fixture
def gate() -> asyncio.Event:
    """Lets the short stream come to its end."""
    return asyncio.Event()


@pytest.fixture
def streams(chaos, gate):
    """Two models: a stream that ends at the gate, and one that never does."""
    first, *rest = speech.chat_events()
    chaos.on("gpt-short", stream([first, rest[0]], then=[Hold(gate), *map(Data, rest[1:])]))
    chaos.on("gpt-long", stream([first, rest[0]], then=[Stall()]))


@pytest.mark.parametrize(
    "command", [pytest.param(SERVE, id="one worker"), pytest.param(SERVE_TWO, id="two workers")]
)
async def test_it_turns_unready_then_closes_its_listener_then_cuts_and_writes_the_books(
    command, chaos, database, streams, gate
):
    settings = {"DRAIN_DELAY_SECONDS": DELAY, "DRAIN_SECONDS": TOTAL}
    async with running(chaos, database, command, **settings) as gateway:
        short, long = [await gateway.open_stream(f"gpt-{length}") for length in ("short", "long")]
        gateway.signal()
        began = monotonic()

        assert await _when(began, lambda: _readiness(gateway), 503) < DELAY
        assert (await gateway.chat()).status_code == 200  # until balancers have noticed
        refused = await _when(began, lambda: _readiness(gateway), None)
        assert DELAY <= refused < DELAY + SLACK

        gate.set()
        ended, complete = await short._chunks()
        assert complete
        assert ended.endswith(speech.DONE)
        ended, complete = await long._chunks()
        assert complete, "cut without the end of its chunks"
        assert b'"error"' in ended
        assert speech.DONE not in ended
        assert TOTAL <= monotonic() - began < TOTAL + SLACK

        assert await gateway.ended() == 0
        assert "Traceback" not in gateway.output
        assert await asyncio.to_thread(apart, _reasons) == ["drain_cut", "ok", "ok"]
    said = [json.loads(line) for line in gateway.output.splitlines() if line[:1] == "{"]
    words = [line.get("message", "") for line in said]
    serving = {word.split()[1] for word in words if " serves " in word}
    assert len(serving) == (2 if command is SERVE_TWO else 1)
    assert {word.split()[1] for word in words if word.endswith("has ended")} == serving


@pytest.mark.parametrize(
    ("command", "number"),
    [
        pytest.param(SERVE, signal.SIGTERM, id="one worker"),
        pytest.param(SERVE_TWO, signal.SIGTERM, id="two workers"),
        pytest.param(SERVE_TWO, signal.SIGINT, id="two workers, from a terminal"),
    ],
)
async def test_a_second_signal_cuts_at_once(command, number, chaos, database, streams):
    settings = {"DRAIN_DELAY_SECONDS": LONG_DELAY, "DRAIN_SECONDS": 60}
    async with running(chaos, database, command, **settings) as gateway:
        client = await gateway.open_stream("gpt-long")
        gateway.signal(number)
        await _when(monotonic(), lambda: _readiness(gateway), 503)
        began = monotonic()
        gateway.signal(number)
        ended, complete = await client._chunks()
        assert complete
        assert b'"error"' in ended
        assert await gateway.ended() == 0
        assert monotonic() - began < LONG_DELAY
        assert await asyncio.to_thread(apart, _reasons) == ["drain_cut"]


async def _readiness(gateway: Running) -> int | None:
    """The probe's status; None where nothing listens any more."""
    try:
        return (await gateway.get("/readyz")).status
    except (ConnectionRefusedError, ConnectionResetError, asyncio.IncompleteReadError):
        return None


async def _when(began: float, asking, wanted: int | None) -> float:
    """Seconds after `began` when the answer first was `wanted`."""
    while await asking() != wanted:
        assert monotonic() - began < 10, f"never {wanted}"
        await asyncio.sleep(0.02)
    return monotonic() - began


def _reasons() -> list[str]:
    from usage.models import UsageRecord

    return sorted(UsageRecord.objects.values_list("reason", flat=True))


IN_THE_MIDST = """
import asyncio, logging, os, signal, socket, sys, threading, urllib.request
import uvicorn
from proxyproject.server import Drain, Server
from routing.in_hand import Marks, marks

class Marked(logging.StreamHandler):
    def format(self, record):
        return f"{record.getMessage().split()[-1]}: {marks.get().exchange_id!r}"

logging.basicConfig(level="INFO", handlers=[Marked(sys.stdout)])

async def application(scope, receive, send):
    marks.set(Marks("an exchange"))
    os.kill(os.getpid(), signal.SIGTERM)
    logging.info("in the midst")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})

listener = socket.create_server(("127.0.0.1", 0))
address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
threading.Thread(target=urllib.request.urlopen, args=[address]).start()
config = uvicorn.Config(application, lifespan="off", log_config=None, log_level="warning")
asyncio.run(Server(config, Drain(0, 1)).serve([listener]))
"""


def test_that_it_drains_is_said_of_no_request_though_the_signal_comes_in_the_midst_of_one():
    said = subprocess.run(
        [sys.executable, "-c", IN_THE_MIDST],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "proxyproject.settings", "NO_PROXY": "*"},
        capture_output=True,
        timeout=60,
        text=True,
        check=False,
    )
    assert "midst: 'an exchange'\ndrains: ''\n" in said.stdout, said.stderr
