"""One HTTP/1.1 connection to a provider: a request goes out, its answer comes in as it arrives.

llhttp (httptools) reads the framing. It hands each piece of a body to `list.append` itself, so a
stream of a hundred small chunks costs one turn of Python.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from providers.errors import Invalid, Truncated, Unreachable, UpstreamFailure

if TYPE_CHECKING:
    from providers.origin import Origin

HEAD_BYTES = 2**16
"""Status line and headers of an answer, interim answers included."""
HELD_BYTES = 2**17
"""What may lie unread before the provider is held back."""
WRITE_BYTES = 2**18
"""A longer request is written in pieces of this, so that the loop gets its turns."""
STALE_SECONDS = 1.0
"""A server that had let go of a kept connection says so within a round trip; later, it was at work."""


class Reply:
    """A provider's answer: status and headers now, the body as it comes.

    `status` is 0 until the headers are complete. The parser calls the `on_` members.
    """

    __slots__ = (
        "_connection",
        "_ended",
        "_failure",
        "_fields",
        "_unread",
        "_body",
        "_reusable",
        "_waiter",
        "on_body",
        "on_header",
        "status",
    )

    def __init__(self, connection: Connection) -> None:
        self.status = 0
        self._connection: Connection | None = connection
        self._fields: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._unread = 0
        self._ended = False
        self._reusable = False
        self._failure: UpstreamFailure | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.on_header: Callable[[bytes, bytes], bytes] = self._fields.setdefault
        self.on_body: Callable[[bytes], None] = self._body.append

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; of a name that comes twice, the first."""
        said: dict[str, str] = {}
        for name, value in self._fields.items():
            said.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
        return said

    @property
    def complete(self) -> bool:
        """Whether the body was read to its end."""
        return self._ended and not self._body

    async def chunk(self) -> bytes:
        """All that has arrived since the last call, b"" at the end. Raises Invalid or Truncated."""
        body = self._body
        while not body:
            if self._ended:
                return b""
            if self._failure is not None:
                raise self._failure
            await self.change()
        data = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        self._unread = 0
        if self._connection is not None:
            self._connection.go_on()
        return data

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises Invalid over `limit` bytes, Truncated if it breaks off."""
        parts: list[bytes] = []
        size = 0
        while part := await self.chunk():
            size += len(part)
            if size > limit:
                raise Invalid(f"it is larger than {limit} bytes")
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Give the connection back if all of the body has come, else cut it."""
        connection, self._connection = self._connection, None
        self._failure = None  # its frames hold this Reply and the request
        if connection is not None:
            connection.let_go(keep=self._ended and self._reusable)

    @property
    def unheard(self) -> bool:
        """Whether not one byte has come."""
        return not self._unread and not self.status

    @property
    def settled(self) -> bool:
        """Whether the rest of the request is of no use: it was refused, or answered, or never will be."""
        return self.status >= 300 or self._ended or self._failure is not None

    async def head(self) -> None:
        """Wait for status and headers. Raises Unreachable or Invalid."""
        while not self.status:
            if self._failure is not None:
                raise self._failure
            await self.change()

    async def change(self) -> None:
        """Wait until something has come about."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def on_message_begin(self) -> None:
        if self._ended:
            raise ValueError("an answer that nobody asked for")

    def on_headers_complete(self) -> None:
        """Interim answers (RFC 9110, 15.2) are passed over. Of 101 the parser says that it is wrong."""
        assert self._connection is not None  # noqa: S101 — it has the parser that calls this
        status, reusable = self._connection.read_head()
        if status < 100:
            raise ValueError("no status")
        if status < 200:
            self._fields.clear()
            return
        self.status, self._reusable = status, reusable

    def on_message_complete(self) -> None:
        self._ended = self.status != 0

    def arrived(self, size: int) -> bool:
        """Note so many bytes of the connection; says whether the provider is to be held back."""
        self._unread += size
        if self.status:
            full = self._unread > HELD_BYTES and not self._ended
            if full and not self._body:
                self.fail(Invalid("its framing has no end"))
            self.wake()
            return full
        if self._unread > HEAD_BYTES:
            self.fail(Invalid(f"its headers are larger than {HEAD_BYTES} bytes"))
        return False

    def fail(self, failure: UpstreamFailure) -> None:
        """The answer ends here, and not well, unless all of it has come."""
        if not self._ended and self._failure is None:
            self._failure = failure
        self.wake()

    def lost(self, error: Exception | None, detail: str, stale: bool) -> None:
        """The connection has ended, which may be what ends the body (RFC 9112, 6.3)."""
        if self.status and error is None and not self._framed():
            self._ended = True
        if self.status:
            return self.fail(Truncated())
        return self.fail(Unreachable(detail, stale=stale))

    def _framed(self) -> bool:
        names = {name.lower() for name in self._fields}
        return b"content-length" in names or b"transfer-encoding" in names


class Connection(asyncio.Protocol):
    """A connection to an Origin, for one request at a time. `since` is when it was last let go of."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._transport: asyncio.Transport | None = None
        self._wire: asyncio.Transport | None = None
        self._parser: HttpResponseParser | None = None
        self._reply: Reply | None = None
        self._asked = 0.0
        self._written = False
        self._full = False
        self._paused = False
        self._used = False
        self.since = 0.0

    @property
    def alive(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, head: bytes, body: bytes) -> Reply:
        """Send a request and wait for status and headers. Raises Unreachable or Invalid."""
        assert self._transport is not None  # noqa: S101 — nobody gets one that is not connected
        reply = self._reply = Reply(self)
        self._parser = HttpResponseParser(reply)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._asked = monotonic()
        try:
            if len(body) <= WRITE_BYTES:
                self._transport.writelines((head, body))
                self._written = True
            else:
                await self._write(self._transport, reply, head, body)
            await reply.head()
        except BaseException:
            reply.close()
            raise
        return reply

    async def _write(
        self, transport: asyncio.Transport, reply: Reply, head: bytes, body: bytes
    ) -> None:
        """Write as the provider reads; who refuses before the end gets no more."""
        self._written = False
        transport.write(head)
        rest = memoryview(body)
        while rest and not reply.settled and self.alive:
            transport.write(rest[:WRITE_BYTES])
            rest = rest[WRITE_BYTES:]
            while self._full and not reply.settled:
                await reply.change()
        self._written = not rest

    def read_head(self) -> tuple[int, bool]:
        """The status that the parser has read, and whether the connection may be used again."""
        assert self._parser is not None  # noqa: S101 — it is the caller
        return self._parser.get_status_code(), self._parser.should_keep_alive()

    def let_go(self, keep: bool) -> None:
        """The Reply is done with: keep the connection for the next, or cut it."""
        assert self._transport is not None  # noqa: S101 — it carried a request
        self._reply = self._parser = None
        self._used = True
        self.since = monotonic()
        sent = self._written and not self._transport.get_write_buffer_size()
        if keep and sent and self.alive:
            self.go_on()
            self._origin.keep(self)
        else:
            self._transport.abort()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def go_on(self) -> None:
        """Read again, if the provider was held back."""
        if self._paused and self._wire is not None and not self._wire.is_closing():
            self._paused = False
            self._wire.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of uvloop's transport, which is one in deed and not in name."""
        self._transport = self._wire = cast(asyncio.Transport, transport)

    def secured(self, transport: asyncio.Transport) -> None:
        """What is sent and received goes through TLS from here on.

        It is the TCP below that is held back: uvloop's TLS forgets what it still has when it is
        told to pause and the other side ends.
        """
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        reply, wire = self._reply, self._wire
        if reply is None or self._parser is None or wire is None:
            return self.cut()  # nobody asked
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            reply.fail(Invalid("it is not HTTP/1.1 as it should be"))
            return self.cut()
        if reply.arrived(len(data)) and not self._paused and not wire.is_closing():
            self._paused = True
            wire.pause_reading()
        return None

    def eof_received(self) -> None:
        """Nothing more comes, so what is still to be written is of no use."""
        self.cut()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._reply is not None:
            self._reply.wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._origin.forget(self)
        if self._reply is not None:
            early = monotonic() - self._asked < STALE_SECONDS
            stale = self._used and early and self._reply.unheard
            when = "" if self._written else " while the request was sent"
            self._reply.lost(error, f"the connection was closed{when}", stale)
