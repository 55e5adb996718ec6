"""The lean ASGI handler of client paths: no middleware, no thread, no database.

It resolves the same URLconf and awaits the same Ninja view as stock Django would, but reads no
body, and renders unknown paths, wrong methods and exceptions itself, as JSON in the format that
the path implies. `receive` has one caller at a time: the request's own task while it reads, then
the watcher, which waits for the client to leave.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, get_resolver

from providers.wire.errors import ErrorInfo, ErrorKind
from proxyproject.passage import Passage
from routing.gateway import Gateway
from routing.paths import ClientCall
from routing.views import ClientRequest

if TYPE_CHECKING:
    from routing.runtime import Runtime

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
View = Callable[[HttpRequest], Awaitable[HttpResponseBase]]

MOST_REMEMBERED_PATHS = 256
PROBES = ("/livez", "/readyz")

log = logging.getLogger("patchbay.door")


class LeanRequest(ClientRequest):
    """The little of HttpRequest that Ninja and our views look at. It has no META, body or user."""

    def __init__(self, scope: Scope, gateway: Gateway, passage: Passage) -> None:
        self.method = scope["method"]
        self.path = self.path_info = scope["path"]
        self.gateway = gateway
        self.passage = passage
        self.call = ClientCall(
            scope["path"], dict(scope["headers"]), scope.get("query_string", b"")
        )


class Door:
    """An ASGI application for the client paths and the probes."""

    def __init__(self, runtime: Runtime, cors_origins: frozenset[bytes]) -> None:
        self._runtime = runtime
        self._cors = cors_origins
        self._views: dict[str, tuple[View, dict[str, Any]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        passage = Passage(scope, receive, send, self._runtime.body_budget, self._cors)
        try:
            await self._pass(scope, passage)
            await passage.linger()
        except asyncio.CancelledError:
            if not passage.gone:
                raise
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        finally:
            passage.close()

    async def _pass(self, scope: Scope, passage: Passage) -> None:
        path, method = scope["path"], scope["method"]
        gateway = self._runtime.gateway
        if path in PROBES:
            status, body = self._runtime.probe(path)
            return await passage.whole(status, [(b"content-type", b"application/json")], body)
        if passage.is_preflight:
            return await passage.preflight()
        request = LeanRequest(scope, gateway, passage)
        try:
            view, arguments = self._view(path)
            response = await view(request, **arguments)
        except Resolver404:
            return await gateway.answers.refuse_call(request.call, _unknown(path), passage)
        except Exception:
            log.exception("%s %s failed", method, path)
            return await gateway.answers.refuse_call(request.call, INTERNAL, passage)
        if response.status_code == 405 and not passage.started:
            allowed = [(b"allow", response["Allow"].encode())]
            return await gateway.answers.refuse_call(
                request.call, _wrong(method, path), passage, allowed
            )

    def _view(self, path: str) -> tuple[View, dict[str, Any]]:
        """The view of a path. Only matches without arguments are remembered, so clients cannot fill it."""
        known = self._views.get(path)
        if known is None:
            match = get_resolver().resolve(path)
            known = match.func, match.kwargs
            if not match.kwargs and len(self._views) < MOST_REMEMBERED_PATHS:
                self._views[path] = known
        return known


INTERNAL = ErrorInfo(
    ErrorKind.INTERNAL,
    500,
    "The gateway failed on this request; its log says why.",
    "internal_error",
)


def _unknown(path: str) -> ErrorInfo:
    message = f"There is no client path {path}. See /api/docs for those that there are."
    return ErrorInfo(ErrorKind.NOT_FOUND, 404, message, "unknown_path")


def _wrong(method: str, path: str) -> ErrorInfo:
    message = f"{path} does not take {method}."
    return ErrorInfo(ErrorKind.METHOD_NOT_ALLOWED, 405, message, "method_not_allowed")
