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
        self._beat_at = now
        try:
            Worker.objects.update_or_create(
                pk=self._worker,
                defaults={
                    "host": socket.gethostname()[:200],
                    "pid": os.getpid(),
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
