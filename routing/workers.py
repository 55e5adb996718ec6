"""A Worker's row: written at the start, brought up to date while it lives. Cold."""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from routing.models import Worker

BEAT_SECONDS = 5.0
FORGOTTEN_AFTER = timedelta(days=1)
ALIVE_WITHIN = timedelta(seconds=15)
"""A Worker that was not seen for this long is taken for gone."""

Process = tuple[str, int]
"""The host that a process runs on, and its number there."""


def this_process() -> Process:
    return socket.gethostname()[:200], os.getpid()


def serving() -> set[Process]:
    """The Workers that live. One of this host whose process is gone was killed and could not say so."""
    host, _ = this_process()
    seen = Worker.objects.filter(heartbeat_at__gt=timezone.now() - ALIVE_WITHIN)
    places = set(seen.values_list("host", "pid"))
    return {(at, pid) for at, pid in places if at != host or _runs(pid)}


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, but there
    return True


class Heartbeat:
    """Shows in the database that this worker lives, and with which configuration."""

    def __init__(self, worker: UUID) -> None:
        self._worker = worker
        self._beat_at = float("-inf")

    def beat(self, config_version: int, health: dict[str, Any]) -> None:
        """At most every few seconds; a database that is away is no reason to stop."""
        now = time.monotonic()
        if now - self._beat_at < BEAT_SECONDS:
            return
        first = self._beat_at == float("-inf")
        host, pid = this_process()
        self._beat_at = now
        try:
            Worker.objects.update_or_create(
                pk=self._worker,
                defaults={
                    "host": host,
                    "pid": pid,
                    "heartbeat_at": timezone.now(),
                    "config_version": config_version,
                    "health": health,
                },
            )
            if first:
                Worker.objects.filter(heartbeat_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
        except DatabaseError:
            return

    def end(self) -> None:
        """The worker stops in good order."""
        try:
            Worker.objects.filter(pk=self._worker).delete()
        except DatabaseError:
            return
