"""A thread that looks at outputs from outside: one whose write hangs cannot say so itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from proxyproject.log_pipe import Output

LOOK_SECONDS = 1.0

log = logging.getLogger("patchbay.logs")


class Watch:
    """Of the outputs of one process, which may change."""

    def __init__(self, outputs: Callable[[], Iterable[Output[Any]]]) -> None:
        self._outputs = outputs
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._stopping = False
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._run, name="patchbay-log-watch", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        self._stopping = True

    def _run(self) -> None:
        while not self._stopping:
            try:
                for output in self._outputs():
                    output.look()
            except Exception:
                log.exception("the log's outputs could not be looked at")
            time.sleep(LOOK_SECONDS)
