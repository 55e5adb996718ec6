"""One client connection: uvicorn's protocol, with bounds on the head of a request.

The base collects a header value itself and calls nobody until it is whole, so besides what a
complete head weighs, the bytes read for an incomplete one are counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from providers.wire.errors import ErrorInfo, ErrorKind
from providers.wire.registry import CODECS
from routing.exchange import new_id
from routing.paths import ClientCall
from usage.record import id_text

ABORT = "patchbay.abort"
"""The extension of the ASGI scope that cuts a connection whose client does not read."""
LEAVING = "patchbay.leaving"
"""The one that calls back when the connection is lost."""
MOST_HEAD_BYTES = 2**16
MOST_FIELDS = 100
HEAD_SECONDS = 10.0
LINGER_SECONDS = 1.0
"""How long a refused client's bytes are still read: a close with bytes unread would be a reset,
which can overtake the refusal."""

TOO_LARGE = ErrorInfo(
    ErrorKind.TOO_LARGE,
    431,
    f"The request's headers are larger than {MOST_HEAD_BYTES} bytes or {MOST_FIELDS} fields.",
    "headers_too_large",
)
NOT_HTTP = ErrorInfo(
    ErrorKind.INVALID_REQUEST, 400, "The request is not valid HTTP/1.1.", "invalid_http"
)


class HeadTooLarge(Exception):
    """Raised inside the parser, which then gives up and asks for the refusal to be sent."""


class Connection(HttpToolsProtocol):
    """`_head_since` is 0 while no head is awaited; between two requests the first byte sets it."""

    _in_head = True
    _head_ended = False
    _head_bytes = 0
    _head_since = 0.0
    _refusal = NOT_HTTP
    _refused = False
    _lost = False
    _left: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lost = True
        left, self._left = self._left, None
        if left is not None:
            left()

    def _call_when_lost(self, left: Callable[[], None]) -> None:
        """Have the request under way told of its client's leaving, without a task that waits for it."""
        self.flow.resume_reading()  # a long body may have stopped it, and who reads nothing sees nothing
        self._left = left
        if self._lost:
            self.loop.call_soon(left)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        was_in_head, self._head_ended = self._in_head, False
        if was_in_head and not self._head_since:
            self._head_since = self.loop.time()
        super().data_received(data)
        if self._in_head and was_in_head and not self._head_ended:
            self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD_BYTES or len(self.headers or ()) > MOST_FIELDS:
            self._refuse(TOO_LARGE)  # trailers are counted with the headers

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions = {ABORT: self.transport.abort, LEAVING: self._call_when_lost}
        self.scope["extensions"] = extensions  # type: ignore[typeddict-item]
        self._head_since = self._head_since or self.loop.time()

    def on_headers_complete(self) -> None:
        self._in_head, self._head_ended = False, True
        self._head_bytes, self._head_since = 0, 0.0
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MOST_HEAD_BYTES or len(self.headers) > MOST_FIELDS:
            self._refusal = TOO_LARGE
            raise HeadTooLarge
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._head_since:  # what was pipelined may have waited for this answer
            self._head_since = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """The base calls this for all that its parser refuses, HeadTooLarge included."""
        self._refuse(self._refusal)

    def close_if_slow(self, now: float) -> None:
        """Close if a head has been coming for too long and no answer is under way."""
        if self._head_since and now - self._head_since > HEAD_SECONDS and not self._answering:
            self.transport.close()

    @property
    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _refuse(self, info: ErrorInfo) -> None:
        if self._refused:
            return
        self._refused, self._head_since = True, 0.0
        if self._answering:
            if self.pipeline or self.cycle.response_started:
                return self.transport.close()  # an answer must not be written into another
            self.cycle.disconnected = True  # what it still says is dropped
            self.cycle.message_event.set()
        self.transport.write(self._refusal_bytes(info))
        if not self.transport.can_write_eof():
            return self.transport.close()
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _refusal_bytes(self, info: ErrorInfo) -> bytes:
        path = (getattr(self, "url", None) or b"/").decode("latin-1")
        call = ClientCall(path, dict(self.headers or ()), b"")
        identifier = id_text(new_id())
        body = CODECS[call.format].write_error(info, identifier)
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", identifier.encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        return STATUS_LINE[info.status] + lines + b"\r\n" + body
