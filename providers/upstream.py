"""The only file that talks to providers on the hot path.

Connections are checked twice: by the resolver and again on the address about to be connected
(aiohttp asks no resolver about literal addresses). Redirects, cookies, proxies from the
environment and compressed answers are all off.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Mapping
from contextvars import ContextVar
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
from yarl import URL

from providers.addresses import ForbiddenAddress, NameCache, Place, public_address
from providers.errors import Invalid, TimedOut, Truncated, Unreachable

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

KEEP_ALIVE_SECONDS = 30.0
READ_BUFFER_BYTES = 2**16
LARGE_BODY = 2**20
"""From here on aiohttp wants a file, which it writes in pieces, so that the loop gets its turns."""
STALE_SECONDS = 1.0
"""A server that had let go of a kept connection says so within a round trip; later, it was at work."""


DETAILS = (
    (aiohttp.ClientConnectorCertificateError, "its certificate is not valid"),
    (aiohttp.ClientConnectorSSLError, "TLS failed"),
    (aiohttp.ClientConnectorDNSError, "its name does not resolve"),
)


class UpstreamRequest(NamedTuple):
    """What to send. `private` permits loopback and private addresses."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    private: bool


def _public_socket(address: Any) -> socket.socket:
    family, kind, protocol, _, place = address
    if not public_address(str(place[0])):
        raise ForbiddenAddress("the address is not a public one")
    return socket.socket(family, kind, protocol)


def _session(private: bool, names: NameCache) -> aiohttp.ClientSession:
    connector = Connector(
        limit=0,
        resolver=names,
        use_dns_cache=False,  # NameCache is the cache
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        socket_factory=None if private else _public_socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        read_bufsize=READ_BUFFER_BYTES,
    )


_reused: ContextVar[bool] = ContextVar("reused", default=False)
"""Whether the newest connection of this task was a kept one, which a server may close at any time."""


class Connector(aiohttp.TCPConnector):
    """Notes whether a request got a kept connection: only then may it be sent a second time."""

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        kept = await super()._get(key, traces)
        _reused.set(kept is not None)
        return kept


def _explained(error: Exception, waited: float) -> Unreachable | TimedOut:
    """What it means that no answer began in the seconds since it was asked for."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return TimedOut("timeout_connect")
    cause = error if isinstance(error, ForbiddenAddress) else error.__cause__
    if isinstance(cause, ForbiddenAddress):
        return Unreachable(str(cause))
    for kind, detail in DETAILS:
        if isinstance(error, kind):
            return Unreachable(detail)
    lost = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
    if lost and not isinstance(error, aiohttp.ClientConnectorError):
        stale = _reused.get() and waited < STALE_SECONDS
        return Unreachable("the connection was closed", stale=stale)
    return Unreachable("the connection failed")


class Reply:
    """A provider's answer: status and headers now, the body as it comes."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    @property
    def complete(self) -> bool:
        """Whether the body was read to its end."""
        return self._response.content.at_eof()

    async def chunk(self) -> bytes:
        """All that has arrived since the last call, b"" at the end. Raises Truncated."""
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError):
            raise Truncated from None

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises Invalid over `limit` bytes, Truncated if it breaks off."""
        first = await self.chunk()
        parts = [first]
        size = len(first)
        while not self.complete:
            part = await self.chunk()
            if not part:
                break
            parts.append(part)
            size += len(part)
            if size > limit:
                raise Invalid(f"it is larger than {limit} bytes")
        return first if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Give the connection back if the body was read to its end, else cut it."""
        if self.complete:
            self._response.release()
        else:
            self._response.close()


class Upstream:
    """The worker's connections to providers. Must be made and closed on the event loop."""

    def __init__(self, connect_seconds: float) -> None:
        self._names = {private: NameCache(private) for private in (False, True)}
        self._sessions = {
            private: _session(private, names) for private, names in self._names.items()
        }
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds)
        self._urls: dict[str, URL] = {}
        self.local: dict[str, str] = {}

    async def warm(self, base_urls: Mapping[str, bool]) -> None:
        """Resolve the hosts of these base URLs (URL to whether private is allowed) ahead of use."""
        places: dict[bool, set[Place]] = {private: set() for private in self._names}
        for text, private in base_urls.items():
            url = URL(text)
            if url.host and not _literal(url.host):
                places[private].add((url.host, url.port or 443))
        await asyncio.gather(
            *(self._names[private].warm(found) for private, found in places.items())
        )

    async def send(self, request: UpstreamRequest) -> Reply:
        """POST and wait for the status line. Raises Unreachable or TimedOut."""
        began = time.monotonic()
        try:
            response = await self._sessions[request.private].post(
                self._url(request.url),
                data=request.body if len(request.body) < LARGE_BODY else BytesIO(request.body),
                headers=request.headers,
                allow_redirects=False,
                timeout=self._timeout,
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _explained(error, time.monotonic() - began) from None
        return Reply(response)

    def _url(self, text: str) -> URL:
        url = self._urls.get(text)
        if url is None:
            scheme, _, rest = text.partition(":")
            url = URL(self.local[scheme] + rest if scheme in self.local else text, encoded=True)
            if len(self._urls) > 1000:
                self._urls.clear()
            self._urls[text] = url
        return url

    def serve_locally(self, scheme: str, address: str) -> None:
        """Send requests for `scheme:` URLs to an address of this worker (the demo provider)."""
        self.local[scheme] = address
        self._urls.clear()

    @property
    def connections(self) -> int:
        """Open connections to providers."""
        total = 0
        for session in self._sessions.values():
            connector = session.connector
            if connector is not None:
                total += len(connector._acquired) + sum(map(len, connector._conns.values()))
        return total

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        for names in self._names.values():
            await names.close()


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
