"""`serve`: uvicorn with our bounds on heads and our way of going down.

On SIGTERM or SIGINT readiness turns false while the listener stays open for the drain's delay,
then the listener closes; streams may end until the drain's end, and the rest are cut with an
error event. A second signal cuts at once. Only then is the application shut down, which writes
the books out.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import os
import signal
import socket
import time
from contextvars import Context
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple

import uvicorn
from django.conf import settings

from proxyproject.connection import Connection

if TYPE_CHECKING:
    from routing.runtime import Runtime

APPLICATION = "proxyproject.asgi:application"
KEEP_ALIVE_SECONDS = 75
"""Longer than the 60 s for which load balancers usually keep an idle connection."""
LAST_SECONDS = 5
"""How long what was cut may take to end."""
LARGEST_SOCKET_MESSAGE = 2**20
WORKER_HEALTH_SECONDS = 30
COLLECT_AFTER = 10_000
"""Objects made and not freed before the collector looks at the young ones. Requests leave few cycles."""

log = logging.getLogger("patchbay.server")


class Drain(NamedTuple):
    """Seconds from the signal: how long to listen on, and how long streams may last."""

    delay: float
    total: float


class CannotListen(Exception):
    """The address cannot be had; the sentence says what to do."""


class Server(uvicorn.Server):
    """One worker. `supervised` leaves SIGINT, which a terminal sends to all, to the supervisor."""

    def __init__(self, config: uvicorn.Config, drain: Drain, supervised: bool = False) -> None:
        super().__init__(config)
        self._drain = drain
        self._supervised = supervised
        self._drain_began: float | None = None
        self._hurried = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def _runtime(self) -> Runtime | None:
        """What the application left in the lifespan's state."""
        runtime: Runtime | None = self.lifespan.state.get("runtime")
        return runtime

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            _spare_the_collector()
            if self._runtime is not None:
                self._runtime.client_connections = lambda: len(self.server_state.connections)
            places = ", ".join(_place(listener) for listener in sockets or ())
            log.info("worker %d serves %s", os.getpid(), places)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Does not call the base, which would raise the signal again at the end: the status is 0."""
        if self._supervised and sig == signal.SIGINT:
            return
        if self._loop is None or not self.started:
            self.should_exit = True
        else:
            # The signal may come in the midst of a request, whose context is not ours.
            self._loop.call_soon_threadsafe(self._begin_or_hurry, context=Context())

    def _begin_or_hurry(self) -> None:
        if self._drain_began is None:
            self._drain_began = time.monotonic()
            if self._runtime is not None:
                self._runtime.begin_drain()
            log.info("worker %d drains", os.getpid())
        elif not self._hurried:
            self._hurried = self.should_exit = True
            self._cut()

    def _cut(self) -> None:
        if self._runtime is not None:
            self._runtime.cut()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.close_if_slow(now)
        began = self._drain_began
        if began is not None and time.monotonic() - began >= self._drain.delay:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        began = self._drain_began or time.monotonic()
        rest = max(0.0, began + self._drain.total - time.monotonic())
        if self._hurried:
            rest = 0.0
        self.config.timeout_graceful_shutdown = math.ceil(rest + LAST_SECONDS)
        timer = asyncio.get_running_loop().call_later(rest, self._cut)
        try:
            await super().shutdown(sockets)
        finally:
            timer.cancel()
            log.info("worker %d has ended", os.getpid())


def _spare_the_collector() -> None:
    """Take all that the start has made out of the garbage collector's sight: it stays anyway.

    Half a million objects of Django would else be walked again and again under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


def _place(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def configured(workers: int) -> uvicorn.Config:
    """Uvicorn's configuration. Its access log is off: we write a line of our own."""
    return uvicorn.Config(
        APPLICATION,
        workers=workers,
        loop="uvloop",
        http=Connection,
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # Django reads them where they matter, under every server alike
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_worker_healthcheck=WORKER_HEALTH_SECONDS,
        ws_max_size=LARGEST_SOCKET_MESSAGE,
    )


def drain_from_settings() -> Drain:
    return Drain(settings.DRAIN_DELAY_SECONDS, settings.DRAIN_SECONDS)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except PermissionError:
        problem = f"Port {port} may only be used by root; choose one above 1023 with --port"
    except (OSError, OverflowError) as error:
        problem = _why_not(error, host, port)
    else:
        listener.set_inheritable(True)
        return listener
    listener.close()
    raise CannotListen(problem)


def _why_not(error: Exception, host: str, port: int) -> str:
    if isinstance(error, OSError) and error.errno == 98:
        free = port + 1
        return (
            f"Port {port} is taken; type `make run PORT={free}` or `manage.py serve --port {free}`."
        )
    return f"Cannot listen on {host} port {port} ({error}); choose others with --host and --port."
