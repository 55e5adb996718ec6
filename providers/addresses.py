"""Where names lead: which addresses are public, and look-ups off the request's way."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Iterable, Sequence
from typing import Any

LOOK_UP_SECONDS = 5.0
FAILURE_SECONDS = 5.0
"""How long a name that was not found is not asked for again."""
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 addresses behind a translator of the whole internet."""
NEVER_PUBLIC = (ipaddress.ip_network("::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
"""IPv4 in an old form, and behind a translator of one's own network."""
Place = tuple[str, int]
"""A host and a port."""
Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""As `getaddrinfo` gives it: family, kind, protocol, canonical name, and the numbers to connect to."""


class ForbiddenAddress(OSError):
    """The name resolved to an address that this Provider may not reach."""


def public_address(address: str) -> bool:
    """Whether an address is on the public internet; a scope id or an embedded IPv4 changes nothing."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.is_site_local or any(parsed in network for network in NEVER_PUBLIC):
            return False
        parsed = parsed.ipv4_mapped or parsed.sixtofour or parsed
        if parsed in TRANSLATED:
            parsed = ipaddress.ip_address(int(parsed) & 0xFFFFFFFF)
    return parsed.is_global and not parsed.is_multicast


class NameCache:
    """Resolves names off the request's way: `warm` keeps those of the configuration fresh."""

    def __init__(self, private: bool, seconds: float = LOOK_UP_SECONDS) -> None:
        self._private = private
        self._seconds = seconds
        self._known: dict[Place, Sequence[Address]] = {}
        self._failed: dict[Place, tuple[float, OSError]] = {}
        self._asking: dict[Place, asyncio.Task[Sequence[Address]]] = {}

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """The addresses of a name, public ones unless `private`. Raises OSError.

        A literal address goes the same way, so that what is connected to was judged, whatever it is.
        """
        known = self._known.get((host, port))
        if known is not None:
            return known
        until, error = self._failed.get((host, port), (0.0, OSError()))
        if time.monotonic() < until:
            raise type(error)(*error.args)
        return await self._ask((host, port))

    async def _ask(self, place: Place) -> Sequence[Address]:
        """One look-up of a name at a time, for all who wait for it."""
        task = self._asking.get(place)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._look_up(place))
            self._asking[place] = task
            task.add_done_callback(lambda _: self._asking.pop(place, None))
        return await asyncio.shield(task)  # one who leaves takes it from nobody

    async def _look_up(self, place: Place) -> Sequence[Address]:
        """Ask, and remember the answer; a failure only for a moment, and beside the last answer."""
        try:
            answers = await self._answers(*place)
        except OSError as error:
            if isinstance(error, ForbiddenAddress):
                self._known.pop(place, None)
            kept = type(error)(*error.args)  # without the frames of this look-up
            self._failed[place] = (time.monotonic() + FAILURE_SECONDS, kept)
            raise
        self._failed.pop(place, None)
        self._known[place] = answers
        return answers

    async def _answers(self, host: str, port: int) -> Sequence[Address]:
        loop = asyncio.get_running_loop()
        found: Sequence[Address]
        try:
            async with asyncio.timeout(self._seconds):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "the look-up took too long") from None
        except UnicodeError:
            raise socket.gaierror(socket.EAI_NONAME, "no name can be like this") from None
        if self._private:
            return found
        answers = [answer for answer in found if public_address(str(answer[4][0]))]
        if not answers:
            raise ForbiddenAddress(f"{host} is not a public address")
        return answers

    async def warm(self, places: Iterable[Place]) -> None:
        """Look up all places again at once; what cannot be found keeps its last answer."""
        await asyncio.gather(*map(self._ask, places), return_exceptions=True)

    async def close(self) -> None:
        for task in tuple(self._asking.values()):
            task.cancel()
        self._known.clear()
