"""A client of bare sockets: it can leave, stall, drip and say what no library would."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Header names are lower-case; `complete` says that the body ended properly."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class RawClient:
    """One connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, receive_buffer: int = 0) -> RawClient:
        """`receive_buffer` bounds what the kernel takes in for a client that does not read."""
        plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
        except OSError:
            plain.close()
            raise
        limit = receive_buffer or 2**20
        return cls(*await asyncio.open_connection(sock=plain, limit=limit))

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def answer(self, head: bool = False) -> Answer:
        """Read one answer to its end, chunked or not; `head` says that the request was a HEAD."""
        status, headers = await self.head()
        if head or status in (204, 304):
            return Answer(status, headers, b"")
        if "content-length" in headers:
            body = await self._within(self.reader.readexactly(int(headers["content-length"])))
            return Answer(status, headers, body)
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, *await self._chunks())
        return Answer(status, headers, await self._within(self.reader.read()))

    async def head(self) -> tuple[int, dict[str, str]]:
        text = (await self.until(b"\r\n\r\n")).decode("latin-1")
        line, *lines = text.rstrip().split("\r\n")
        pairs = (item.partition(":") for item in lines)
        return int(line.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}

    async def until(self, marker: bytes) -> bytes:
        """Everything up to and with the marker."""
        return await self._within(self.reader.readuntil(marker))

    async def _chunks(self) -> tuple[bytes, bool]:
        body = b""
        while True:
            line = await self._within(self.reader.readline())
            if not line:
                return body, False
            size = int(line, 16)
            try:
                body += (await self._within(self.reader.readexactly(size + 2)))[:-2]
            except asyncio.IncompleteReadError as broken:
                return body + broken.partial, False
            if not size:
                return body, True

    @staticmethod
    async def _within(reading: Any) -> bytes:
        return bytes(await asyncio.wait_for(reading, PATIENCE))

    async def closed(self) -> bool:
        """Whether the gateway closes the connection, with nothing more said."""
        try:
            return await self._within(self.reader.read()) == b""
        except ConnectionResetError:
            return True

    def leave(self) -> None:
        """Close the connection (FIN)."""
        self.writer.close()

    def half_close(self) -> None:
        """Close the sending side alone."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Reset the connection (RST)."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def post(path: str, body: bytes, key: str = "", headers: dict[str, str] | None = None) -> bytes:
    """The bytes of a POST request."""
    said = {"host": "gateway", "content-type": "application/json"}
    said["content-length"] = str(len(body))
    if key:
        said["authorization"] = f"Bearer {key}"
    return request("POST", path, {**said, **(headers or {})}) + body


def request(method: str, path: str, headers: dict[str, str]) -> bytes:
    """The bytes of a request's head."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
