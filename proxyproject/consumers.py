"""Websockets of the site: the live feed of this worker, for people who may use the admin."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer

if TYPE_CHECKING:
    from proxyproject.entrance import Entrance

FEED_SECONDS = 1.0
NOT_ALLOWED = 4403
NO_SUCH_PATH = 4404


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Says once a second what this worker is doing. Closes at once on who is not staff."""

    def __init__(self, entrance: Entrance) -> None:
        super().__init__()
        self._entrance = entrance
        self._feed: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        if not self.scope["user"].is_staff:
            await self.close(NOT_ALLOWED)
            return
        await self.accept()
        self._feed = asyncio.get_running_loop().create_task(self._tell())

    async def disconnect(self, code: int) -> None:
        if self._feed is not None:
            self._feed.cancel()

    async def _tell(self) -> None:
        while True:
            await self.send_json(self._news())
            await asyncio.sleep(FEED_SECONDS)

    def _news(self) -> dict[str, Any]:
        runtime = self._entrance.runtime
        if runtime is None:  # only where no client path has been asked for yet
            return {"worker": os.getpid(), "serving": False}
        return {
            "worker": os.getpid(),
            "serving": not runtime.draining,
            "requests_in_flight": runtime.live.in_flight,
            "config_version": runtime.live.snapshot.number,
        }


class NobodyListens(AsyncJsonWebsocketConsumer):
    """Closes a websocket whose path is unknown; the router by itself would raise."""

    async def connect(self) -> None:
        await self.close(NO_SUCH_PATH)
