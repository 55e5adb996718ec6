"""Several workers behind one listening socket: start them, replace the dead, take them down."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import threading
import time
from pathlib import Path

import uvicorn
from django.conf import settings
from prometheus_client import multiprocess as metrics
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from proxyproject.once import METRICS_VARIABLE
from proxyproject.server import Drain, Server, drain_from_settings

POLL_SECONDS = 0.05
REPEAT_SECONDS = 1.0
"""A worker that had no time for the first signal takes two of them for one, so the last is sent twice."""


class Worker(multiprocess.Process):
    """One worker process, seen from the supervisor; `target` and `server` run in the worker."""

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        threading.Thread(target=_follow_parent, daemon=True).start()
        super().target(sockets)

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = Server(self.config, drain_from_settings(), supervised=True)
        return self._server

    def terminate(self) -> None:
        """Unlike the base, leaves the pipe open on which the worker still answers while it drains."""
        if self.exitcode is None and self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def join(self) -> None:
        self.process.join()
        if METRICS_VARIABLE in os.environ:
            metrics.mark_process_dead(self.pid)  # type: ignore[no-untyped-call]


def _follow_parent() -> None:
    """A supervisor that was killed takes its workers along; they would hold the port for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


class Supervisor(multiprocess.Multiprocess):
    """Passes signals on, and closes its own listeners, in which clients would hang, with the drain."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], drain: Drain) -> None:
        super().__init__(config, sockets)
        self._drain = drain

    def run(self) -> None:
        super().run()
        if any(process.exitcode == STARTUP_FAILURE for process in self.processes):
            raise SystemExit(STARTUP_FAILURE)

    def join_all(self) -> None:
        close_at = time.monotonic() + self._drain.delay
        hurry_at: list[float] = []
        while any(process.exitcode is None for process in self.processes):
            now = time.monotonic()
            if now >= close_at:
                self._close_listeners()
            if self.signal_queue:  # asked again: workers take a second signal for a hurry
                self.signal_queue.clear()
                hurry_at = [now, now + REPEAT_SECONDS]
            if hurry_at and now >= hurry_at[0]:
                hurry_at.pop(0)
                self.terminate_all()
            time.sleep(POLL_SECONDS)
        self._close_listeners()
        super().join_all()

    def _close_listeners(self) -> None:
        for listener in self.sockets:
            listener.close()


# The base makes its processes by this name of its module, and offers no other way to choose them.
multiprocess.Process = Worker  # type: ignore[misc]


def supervise(config: uvicorn.Config, listener: socket.socket) -> None:
    """Run the workers until a signal ends them. Their metrics meet in a directory that is new."""
    directory = Path(settings.VAR_DIR) / "metrics" / str(listener.getsockname()[1])
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ[METRICS_VARIABLE] = str(directory)
    try:
        Supervisor(config, [listener], drain_from_settings()).run()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
