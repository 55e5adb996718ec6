"""Servers that a test writes out by hand, where the scripted upstream is too well-behaved."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from providers.addresses import Address, NameCache

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """A server of the test's own; gives its port. Connections that it forgets are cut in the end."""
    writers = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await serve(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


class Names(NameCache):
    """A name server in which every name has these addresses."""

    def __init__(self, *addresses: str) -> None:
        super().__init__(private=True)
        self._addresses = addresses

    async def resolve(self, host: str, port: int) -> list[Address]:
        tcp = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [
            (socket.AF_INET6, *tcp, (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, *tcp, (address, port))
            for address in self._addresses
        ]


@contextmanager
def hanging_up(answer: bytes, tls: ssl.SSLContext) -> Iterator[int]:
    """A server that writes one answer and ends its side at once, TLS's and TCP's; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        plain, _ = listener.accept()
        with plain, tls.wrap_socket(plain, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(answer)
            secure.settimeout(0)
            with suppress(OSError):
                secure.unwrap()
            socket.socket.shutdown(secure, socket.SHUT_WR)
            over.wait(5)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join()
        listener.close()
