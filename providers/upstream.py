"""The only file that talks to providers on the hot path: a POST goes to its Origin, a Reply comes back.

No redirects, no cookies, no proxies from the environment, and nothing compressed is asked for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from providers.addresses import NameCache, Place
from providers.errors import Unreachable
from providers.http1 import Reply
from providers.origin import Origin, system_trust

PORTS = {"http": 80, "https": 443}
MOST_ROUTES = 1000
IN_A_TARGET = "%/?:@!$&'()*+,;=~-._[]"
"""What stays as it is in a path and its query; the rest is escaped."""


class UpstreamRequest(NamedTuple):
    """What to send. `private` permits loopback and private addresses."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    private: bool


class Route(NamedTuple):
    """A URL taken apart: where to connect, and how each request begins."""

    origin: Origin
    start: bytes


class Upstream:
    """The worker's connections to providers. Must be made and closed on the event loop."""

    def __init__(self, connect_seconds: float) -> None:
        self._names = {private: NameCache(private) for private in (False, True)}
        self._connect_seconds = connect_seconds
        self._origins: dict[tuple[str, Place, bool], Origin] = {}
        self._routes: dict[tuple[str, bool], Route] = {}
        self._trust: ssl.SSLContext | None = None
        self._local: dict[str, str] = {}

    async def warm(self, base_urls: Mapping[str, bool]) -> None:
        """Resolve the hosts of these base URLs (URL to whether private is allowed) ahead of use."""
        places: dict[bool, set[Place]] = {private: set() for private in self._names}
        for url, private in base_urls.items():
            with suppress(ValueError):  # said when a request wants to go there
                scheme, place, _, _ = _take_apart(url)
                self._origin(scheme, place, private)
                places[private].add(place)
        await asyncio.gather(
            *(self._names[private].warm(found) for private, found in places.items())
        )

    async def send(self, request: UpstreamRequest, fresh: bool = False) -> Reply:
        """POST and wait for status and headers. Raises Unreachable, TimedOut or Invalid.

        `fresh` asks for a new connection.
        """
        route = self._routes.get((request.url, request.private))
        try:
            if route is None:
                route = self._route(request.url, request.private)
            head = _head(route.start, request.headers, len(request.body))
        except ValueError:
            raise Unreachable("its address or a header holds what HTTP cannot carry") from None
        connection = await route.origin.connection(fresh)
        return await connection.ask(head, request.body)

    def _route(self, url: str, private: bool) -> Route:
        scheme, _, rest = url.partition(":")
        local = self._local.get(scheme)
        parts = _take_apart(url if local is None else local + rest)
        target = quote(parts.target, safe=IN_A_TARGET)
        start = f"POST {target} HTTP/1.1\r\nhost: {parts.host}\r\n".encode("ascii")
        route = Route(self._origin(parts.scheme, parts.place, private), start)
        if len(self._routes) >= MOST_ROUTES:
            self._routes.clear()
        self._routes[url, private] = route
        return route

    def _origin(self, scheme: str, place: Place, private: bool) -> Origin:
        origin = self._origins.get((scheme, place, private))
        if origin is None:
            names, tls = self._names[private], self._tls() if scheme == "https" else None
            origin = Origin(place, names, tls, self._connect_seconds)
            self._origins[scheme, place, private] = origin
        return origin

    def _tls(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = system_trust()
        return self._trust

    def serve_locally(self, scheme: str, address: str) -> None:
        """Send requests for `scheme:` URLs to an address of this worker (the demo provider)."""
        self._local[scheme] = address
        self._routes.clear()

    @property
    def connections(self) -> int:
        """Open connections to providers."""
        return sum(origin.connections for origin in self._origins.values())

    async def close(self) -> None:
        """Cut all connections, and let them notice."""
        for origin in self._origins.values():
            origin.close()
        for names in self._names.values():
            await names.close()
        await asyncio.sleep(0)


class Parts(NamedTuple):
    """A URL: `host` as it stands in the header of that name (RFC 9110, 7.2)."""

    scheme: str
    place: Place
    host: str
    target: str


def _take_apart(url: str) -> Parts:
    """Raises ValueError."""
    split = urlsplit(url)
    name = split.hostname or ""
    if not name.isascii():
        name = name.encode("idna").decode("ascii")
    port = split.port or PORTS.get(split.scheme, 0)
    shown = f"[{name}]" if ":" in name else name
    host = shown if port == PORTS.get(split.scheme) else f"{shown}:{port}"
    query = f"?{split.query}" if split.query else ""
    return Parts(split.scheme, (name, port), host, (split.path or "/") + query)


def _head(start: bytes, headers: Mapping[str, str], length: int) -> bytes:
    """The head of a request. Raises ValueError where a header would break out of its line."""
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "\0" in text:
        raise ValueError("a header holds a line break")
    return b"%b%bcontent-length: %d\r\n\r\n" % (start, text.encode("latin-1"), length)
