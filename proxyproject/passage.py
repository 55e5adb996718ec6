"""One request's way through the door: its body in, its answer out, and the client's leaving.

States: NEW, READING, WAITING (watched), STREAMING, OVER. `over` is set before the last message,
because a server reports a disconnect after it, and a request that ended well must not be
cancelled in its clean-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import monotonic
from types import MappingProxyType
from typing import Any

from providers.wire.errors import ErrorInfo, ErrorKind
from routing.deadline import Deadline
from routing.errors import Refused
from routing.limits import BodyBudget

Header = tuple[bytes, bytes]
Message = MutableMapping[str, Any]

ALLOWED_METHODS = b"GET, POST, OPTIONS"
PREFLIGHT_SECONDS = b"600"
NONE: Mapping[str, Any] = MappingProxyType({})
LINGER_IDLE_SECONDS = 1.0
LINGER_SECONDS = 5.0
"""How long a body that was refused is still taken in, in pauses and in all: a close with bytes unread
is a reset, which can overtake the refusal, and a client that writes on sees a broken pipe."""


class Passage:
    """The body and the sink of one request. `gone` says that the client left before the end."""

    __slots__ = (
        "_budget",
        "_cors",
        "_held",
        "_lingers",
        "_receive",
        "_scope",
        "_send",
        "_task",
        "_unread",
        "_watcher",
        "gone",
        "over",
        "started",
    )

    def __init__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        budget: BodyBudget,
        cors: frozenset[bytes],
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._budget = budget
        self._cors = cors
        self._held = 0
        self._unread = True
        self._lingers = False
        self._watcher: asyncio.Task[None] | None = None
        self._task = asyncio.current_task()
        self.gone = self.over = self.started = False

    async def read(self, deadline: Deadline, idle: float, total: float) -> bytes:
        """The whole body. Sets `deadline` for the time between parts and in all.

        Raises Refused (too_large, overloaded, bad_request) or CancelledError if the client left.
        """
        self._check_announced()
        parts: list[bytes] = []
        began = deadline.set(min(idle, total), "body_timeout")
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                raise asyncio.CancelledError
            part = message.get("body", b"")
            self._hold(len(part))
            parts.append(part)
            if not message.get("more_body", False):
                break
            left = began + total - monotonic()
            deadline.set(max(0.0, min(idle, left)), "body_timeout")
        self._unread = False
        self._watch()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _check_announced(self) -> None:
        for name, value in self._scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._budget.largest:
                raise _too_large(self._budget.largest)
            if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
                raise _encoded()

    def _hold(self, size: int) -> None:
        budget = self._budget
        self._held += size
        budget.held += size
        if self._held > budget.largest:
            raise _too_large(budget.largest)
        if budget.held > budget.most:
            raise _full()

    def let_go(self) -> None:
        """The body's bytes are held no more."""
        self._budget.held -= self._held
        self._held = 0

    def _watch(self) -> None:
        """Have the client's leaving seen: our own server calls, of others it must be asked."""
        call_when_lost = self._scope.get("extensions", NONE).get("patchbay.leaving")
        if call_when_lost is not None:
            call_when_lost(self._leave)
        else:
            self._watcher = asyncio.get_running_loop().create_task(self._await_leaving())

    async def _await_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        if not self.over and self._task is not None:
            self.gone = True
            self._task.cancel()

    async def whole(self, status: int, headers: list[Header], body: bytes) -> None:
        """Send an answer that is complete."""
        await self._start(status, [*headers, (b"content-length", b"%d" % len(body))])
        self.over = True
        self._lingers = self._is_being_sent()
        await self._send({"type": "http.response.body", "body": body, "more_body": self._lingers})

    def _is_being_sent(self) -> bool:
        """Whether the client may be sending a body still. One that asks first was not told to."""
        if not self._unread or self._scope["method"] != "POST":
            return False
        return not any(name == b"expect" for name, _ in self._scope["headers"])

    async def linger(self) -> None:
        """After a whole answer: read on what nobody wants, for a while, then end it."""
        if not self._lingers:
            return
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                await self._read_away()
        except TimeoutError:
            pass
        await self._send({"type": "http.response.body", "body": b""})

    async def _read_away(self) -> None:
        message: Message = {"more_body": True}
        while message.get("more_body", False):
            async with asyncio.timeout(LINGER_IDLE_SECONDS):
                message = await self._receive()

    async def start(self, status: int, headers: list[Header]) -> None:
        """Begin an answer that is written in pieces."""
        await self._start(status, headers)

    async def write(self, chunk: bytes) -> None:
        """Send a piece; waits while the client reads more slowly than we write."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        self.over = True
        await self._send({"type": "http.response.body", "body": b""})

    async def abort(self) -> None:
        """Cut the connection: its client does not read, so a close would wait for ever.

        Servers other than ours offer no way to; theirs is closed when the request ends.
        """
        self.over = True
        cut = self._scope.get("extensions", NONE).get("patchbay.abort")
        if cut is not None:
            cut()
            await asyncio.sleep(0)  # lets the server see it before it misses the answer's end

    async def _start(self, status: int, headers: list[Header]) -> None:
        self.started = True
        if self._unread and self._scope["method"] == "POST":
            headers = [*headers, (b"connection", b"close")]  # what was not read must not be parsed
        if self._cors:
            headers = [*headers, *self._cors_headers()]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    def _origin(self) -> bytes:
        origin = next((v for n, v in self._scope["headers"] if n == b"origin"), b"")
        return origin if origin in self._cors else b""

    def _cors_headers(self) -> list[Header]:
        origin = self._origin()
        if not origin:
            return [(b"vary", b"origin")]
        exposed = (b"access-control-expose-headers", b"x-request-id")
        return [(b"access-control-allow-origin", origin), exposed, (b"vary", b"origin")]

    @property
    def is_preflight(self) -> bool:
        return self._scope["method"] == "OPTIONS" and bool(self._origin())

    async def preflight(self) -> None:
        """Answer a browser's question whether its page may call us."""
        asked = dict(self._scope["headers"]).get(b"access-control-request-headers", b"")
        headers = [
            (b"access-control-allow-methods", ALLOWED_METHODS),
            (b"access-control-allow-headers", asked),
            (b"access-control-max-age", PREFLIGHT_SECONDS),
        ]
        await self._start(204, headers)
        self.over = True
        await self._send({"type": "http.response.body", "body": b""})

    def close(self) -> None:
        """Give everything back; the last thing that happens to a request."""
        self.over = True
        self.let_go()
        if self._watcher is not None:
            self._watcher.cancel()


def _too_large(most: int) -> Refused:
    message = f"The body is larger than {most} bytes, the most that this gateway takes."
    return Refused("too_large", ErrorInfo(ErrorKind.TOO_LARGE, 413, message, "request_too_large"))


def _encoded() -> Refused:
    message = "A compressed body is not read; send it without content-encoding."
    info = ErrorInfo(ErrorKind.INVALID_REQUEST, 415, message, "unsupported_content_encoding")
    return Refused("bad_request", info)


def _full() -> Refused:
    message = "The gateway holds as many request bodies as it takes. Try again in a moment."
    return Refused("overloaded", ErrorInfo(ErrorKind.OVERLOADED, 503, message, "overloaded"), 1)
