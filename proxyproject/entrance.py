"""Leads each HTTP request to its door, and has the Runtime started before the first needs it.

Under a server with lifespan the Runtime starts and stops with the server; under one without
(Daphne) the first request starts it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from django.apps import apps
from django.conf import settings
from django.urls import Resolver404, get_resolver

from proxyproject.apps import ProjectConfig
from proxyproject.door import PROBES, Door
from proxyproject.log_outputs import RESERVE_SECONDS
from proxyproject.log_transcripts import TranscriptLog
from proxyproject.logs import ProcessLog, known_secrets, outputs
from proxyproject.meaning import MeaningIndex
from routing import in_hand
from routing.runtime import Runtime
from routing.transcribing import Transcripts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CLIENT_PATHS = "/v1/"

log = logging.getLogger("patchbay.entrance")


class Entrance:
    """Holds this process's Runtime and the two doors behind which requests are served."""

    def __init__(self, django: Callable[..., Awaitable[None]]) -> None:
        self._django = django
        self._door: Door | None = None
        self._opening: asyncio.Task[Door] | None = None
        self.runtime: Runtime | None = None
        self._kept: TranscriptLog | None = None
        project = cast(ProjectConfig, apps.get_app_config("patchbay_project"))
        self._meaning = MeaningIndex(project.embedder)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        in_hand.marks.set(in_hand.NONE)
        door = self._door or await self._opened()
        if _is_for_the_door(scope):
            return await door(scope, receive, send)
        scope.setdefault("state", {})["runtime"] = self.runtime
        return await self._django(scope, receive, send)

    async def lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._opened()
        except Exception as error:
            log.exception("the start failed")
            return await send({"type": "lifespan.startup.failed", "message": str(error)})
        scope.setdefault("state", {})["runtime"] = self.runtime
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _opened(self) -> Door:
        """The door, once the Runtime behind it has started. A start that failed is tried again."""
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
        opening = self._opening
        try:
            return await asyncio.shield(opening)  # a client that leaves does not stop the start
        finally:
            if opening.done() and self._door is None:
                self._opening = None

    async def _open(self) -> Door:
        made = outputs()
        kept = TranscriptLog(made.options._replace(directory=settings.LOG_DIR), known_secrets)
        made.also(kept.outputs, kept.keeper)
        self._kept = kept
        try:
            made.start()
            runtime = await self._started(ProcessLog(made), kept.transcripts)
        except BaseException:
            await self._stop_logs()
            raise
        self.runtime = runtime
        self._meaning.start()
        self._door = Door(runtime, frozenset(name.encode() for name in settings.CORS_ORIGINS))
        return self._door

    async def _started(self, log: ProcessLog, transcripts: Transcripts) -> Runtime:
        runtime = Runtime.from_settings(log, transcripts)
        try:
            await runtime.start()
        except BaseException:
            await runtime.stop()
            raise
        return runtime

    async def _close(self) -> None:
        runtime, self.runtime = self.runtime, None
        self._door = self._opening = None
        if runtime is not None:
            self._meaning.end()
            await runtime.stop()
            await asyncio.to_thread(self._meaning.stop)
            await self._stop_logs()

    async def _stop_logs(self) -> None:
        """Not only at exit: some servers end by the signal that they got.

        One deadline is for all of it, and something of it is left for the exit.
        """
        made, kept = outputs(), self._kept
        self._kept = None
        if kept is not None:
            await asyncio.to_thread(kept.stop, made.seconds_left(2 * RESERVE_SECONDS))
            made.without(kept.outputs, kept.keeper)
        await asyncio.to_thread(made.flush, made.seconds_left(RESERVE_SECONDS))


def _is_for_the_door(scope: Scope) -> bool:
    """Client paths and probes; and what no page answers to, when it is a program that asks."""
    path: str = scope["path"]
    if path.startswith(CLIENT_PATHS) or path in PROBES:
        return True
    if path.startswith(settings.STATIC_URL) or _accepts_pages(scope):
        return False
    return not (_resolves(path) or _resolves(path + "/"))


def _accepts_pages(scope: Scope) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _resolves(path: str) -> bool:
    try:
        get_resolver().resolve(path)
    except Resolver404:
        return False
    return True
