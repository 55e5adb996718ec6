"""One origin of a provider (RFC 6454: scheme, host, port): its connections, kept and new."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from time import monotonic

from aiohappyeyeballs import start_connection

from providers.addresses import Address, ForbiddenAddress, NameCache, Place
from providers.errors import TimedOut, Unreachable
from providers.http1 import Connection

KEEP_SECONDS = 30.0
"""How long a connection without a request is kept."""
NEXT_ADDRESS_SECONDS = 0.25
"""When the next address of a name is tried beside one that does not answer (RFC 8305)."""


class Origin:
    """Connects to the addresses that `names` gives, and to no others. `tls` is None for http."""

    def __init__(
        self,
        place: Place,
        names: NameCache,
        tls: ssl.SSLContext | None,
        connect_seconds: float,
        keep_seconds: float = KEEP_SECONDS,
    ) -> None:
        self._host, self._port = place
        self._names = names
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._keep_seconds = keep_seconds
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def connections(self) -> int:
        """Open connections, at work or idle."""
        return len(self._all)

    async def connection(self, fresh: bool = False) -> Connection:
        """The idle one that was used last, or a new one. Raises Unreachable or TimedOut."""
        while self._idle and not fresh:
            kept = self._idle.pop()
            if kept.alive:
                return kept
        try:
            addresses = await self._names.resolve(self._host, self._port)
            async with asyncio.timeout(self._connect_seconds):
                return await self._connect(addresses)
        except TimeoutError:
            raise TimedOut("timeout_connect") from None
        except OSError as error:
            raise Unreachable(_explained(error)) from None

    async def _connect(self, addresses: Sequence[Address]) -> Connection:
        """Also asks a peer that is silent for long whether it still lives: streams may pause."""
        loop = asyncio.get_running_loop()
        sock = await start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plain, connection = await loop.create_connection(partial(Connection, self), sock=sock)
        if self._tls is not None:
            name = self._host.rstrip(".")  # no certificate has the root's dot
            secure = await loop.start_tls(plain, connection, self._tls, server_hostname=name)
            if secure is None:
                raise ssl.SSLError("the connection was closed")
            connection.secured(secure)
        self._all.add(connection)
        return connection

    def keep(self, connection: Connection) -> None:
        """Take back a connection that has done its work."""
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweep_in(self._keep_seconds)

    def forget(self, connection: Connection) -> None:
        """It is closed."""
        self._all.discard(connection)
        with suppress(ValueError):
            self._idle.remove(connection)

    def _sweep_in(self, seconds: float) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(seconds, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle for too long. The longest idle are in front."""
        self._sweeper = None
        now = monotonic()
        for connection in tuple(self._idle):
            left = connection.since + self._keep_seconds - now
            if left > 0:
                return self._sweep_in(left)
            self._idle.remove(connection)
            connection.cut()
        return None

    def close(self) -> None:
        """Cut all connections."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._idle.clear()
        for connection in tuple(self._all):
            connection.cut()


def system_trust() -> ssl.SSLContext:
    """Trusts what the system trusts, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name instead."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _explained(error: OSError) -> str:
    """What it means that no connection came about."""
    match error:
        case ForbiddenAddress():
            return str(error)
        case socket.gaierror():
            return "its name does not resolve"
        case ssl.SSLCertVerificationError():
            return "its certificate is not valid"
        case ssl.SSLError():
            return "TLS failed"
        case ConnectionRefusedError():
            return "the connection was refused"
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
            return "there is no route to it"
    return "the connection failed"
