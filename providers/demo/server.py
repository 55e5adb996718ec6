"""Serve the demo provider on a loopback port of this worker, in the worker's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from providers.demo.app import demo_app

STOP_SECONDS = 2.0


class Demo(NamedTuple):
    """Where the demo listens, as a base URL; `stop` closes it with all its connections."""

    address: str
    stop: Callable[[], Awaitable[None]]


async def serve_demo() -> Demo:
    """The protocol alone, without uvicorn's Server, which would take over the process's signals."""
    config = Config(demo_app, lifespan="off", ws="none", log_config=None, proxy_headers=False)
    config.load()
    state = ServerState()

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: HttpToolsProtocol(config, state, {}), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def stop() -> None:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await server.wait_closed()
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=STOP_SECONDS)

    return Demo(f"http://127.0.0.1:{port}", stop)
