"""Serve an ASGI application by our server's protocol on the test's event loop, without pauses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from proxyproject.connection import Connection

PATIENCE = 3.0


@dataclass(slots=True)
class Served:
    """A running server: its port, and what it has in hand."""

    port: int
    state: ServerState


@asynccontextmanager
async def serve(app: Any, send_buffer: int = 0) -> AsyncIterator[Served]:
    """Run `app` on a free port of 127.0.0.1.

    `send_buffer` bounds what the kernel takes of an answer that its client does not read.
    """
    config = uvicorn.Config(
        app, http="httptools", ws="none", lifespan="off", log_config=None, proxy_headers=False
    )
    config.load()
    state = ServerState()
    protocol = partial(Connection, config=config, server_state=state, app_state={})
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    if send_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    server = await asyncio.get_running_loop().create_server(protocol, sock=listener)
    async with lifespan(app):
        try:
            yield Served(listener.getsockname()[1], state)
        finally:
            server.close()
            for connection in tuple(state.connections):
                connection.shutdown()
            if state.tasks:
                await asyncio.wait(state.tasks, timeout=PATIENCE)
            assert not state.tasks, "requests that do not end"


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """The start and the end of an application, as a server tells it of them."""
    to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    task = asyncio.get_running_loop().create_task(app(scope, to_app.get, from_app.put))
    await _say("startup", task, to_app, from_app)
    try:
        yield
    finally:
        await _say("shutdown", task, to_app, from_app)
        await task


async def _say(
    phase: str,
    task: asyncio.Task[None],
    to_app: asyncio.Queue[dict[str, str]],
    from_app: asyncio.Queue[dict[str, str]],
) -> None:
    await to_app.put({"type": f"lifespan.{phase}"})
    answer = asyncio.get_running_loop().create_task(from_app.get())
    done, _ = await asyncio.wait((task, answer), return_when=asyncio.FIRST_COMPLETED)
    if answer not in done:
        answer.cancel()
        await task
        raise AssertionError(f"the application ended at {phase} without an answer")
    assert answer.result()["type"] == f"lifespan.{phase}.complete", answer.result()
