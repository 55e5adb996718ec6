"""The gateway as a process of its own, under the server that a test names."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.chaos import Chaos
from tests.databases import apart
from tests.house import CHAT, apply, asked, document
from tests.rawclient import Answer, RawClient, post, request
from usage.keys import make_key

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
END_SECONDS = 15.0

SERVE = ("manage.py", "serve", "--port", "{port}")
SERVE_TWO = (*SERVE, "--workers", "2")
RUNSERVER = ("manage.py", "runserver", "--noreload", "127.0.0.1:{port}")
DAPHNE = ("-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "proxyproject.asgi:application")


@dataclass(slots=True)
class Running:
    """A started gateway. What it printed can be read once it has ended."""

    port: int
    key: str
    process: asyncio.subprocess.Process
    log: Path
    clients: list[RawClient] = field(default_factory=list)

    async def connect(self) -> RawClient:
        """A connection that lasts as long as the test."""
        client = await RawClient.connect(self.port)
        self.clients.append(client)
        return client

    async def get(self, path: str, **headers: str) -> Answer:
        """One GET on a connection of its own."""
        client = await RawClient.connect(self.port)
        try:
            await client.send(request("GET", path, {"host": "localhost", **headers}))
            return await client.answer()
        finally:
            client.leave()

    async def open_stream(self, model: str) -> RawClient:
        """Ask for a stream and read it up to its first content."""
        client = await self.connect()
        body = json.dumps(asked(model, stream=True)).encode()
        await client.send(post(CHAT, body, self.key))
        status, _ = await client.head()
        assert status == 200, await client.reader.read(1000)
        await client.until(b"\n\n\r\n")
        return client

    async def chat(self, model: str = "gpt-test") -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            headers = {"authorization": f"Bearer {self.key}"}
            address = f"http://127.0.0.1:{self.port}{CHAT}"
            return await client.post(address, headers=headers, json=asked(model))

    def signal(self, number: int = signal.SIGTERM) -> None:
        """SIGTERM goes to the process that was started, SIGINT to all of its group, as from a terminal."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    async def ended(self) -> int:
        """The exit status."""
        return await asyncio.wait_for(self.process.wait(), END_SECONDS)

    @property
    def output(self) -> str:
        return self.log.read_text()


@asynccontextmanager
async def running(
    chaos: Chaos,
    database: Path,
    command: Sequence[str] = SERVE,
    stdout: Any = None,
    **settings: Any,
) -> AsyncIterator[Running]:
    """Start a gateway with the usual configuration on a free port; kill what a test left running.

    With a `stdout` of the test's own, `output` is what came on standard error.
    """
    key = make_key()
    await asyncio.to_thread(apart, lambda: apply(document(chaos, key)))
    port, log = free_port(), database.with_name("output.log")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(part.format(port=port) for part in command),
            cwd=PROJECT,
            env=environment(database, **settings),
            stdout=output if stdout is None else stdout,
            stderr=output,
            start_new_session=True,
        )
    gateway = Running(port, key, process, log)
    try:
        await _ready(gateway)
        yield gateway
    finally:
        for client in gateway.clients:
            client.leave()
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def environment(database: Path, **settings: Any) -> dict[str, str]:
    """The tests' own environment (tests.settings has made it), with a place of the test's own."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "proxyproject.settings",
        "DATABASE_URL": f"sqlite:///{database}",
        "VAR_DIR": str(database.with_name("var")),
        **{name: str(value) for name, value in settings.items()},
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def _ready(gateway: Running) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _is_ready(gateway):
                assert gateway.process.returncode is None, gateway.output
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"it did not start: {gateway.output}") from None


async def _is_ready(gateway: Running) -> bool:
    try:
        return (await gateway.get("/readyz")).status == 200
    except (OSError, asyncio.IncompleteReadError):
        return False
