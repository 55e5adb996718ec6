"""Ask a server over HTTP, synchronously, and say in a sentence why nothing came of it. Not for the hot path.

The address is resolved here and the connection is made to what was resolved, so that a name cannot
turn private between the check and the call. Each call has an event loop of its own, which alone ends
it in time whatever the server sends, and however slowly: a socket's timeout is for one read.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping
from typing import NamedTuple

import httpx

from providers.addresses import public_address
from providers.origin import system_trust

CONNECT_SECONDS = 5.0


class CannotReach(Exception):
    """The try came to nothing; the text is the sentence, `reason` the books' word for it."""

    def __init__(self, sentence: str, reason: str = "connect") -> None:
        super().__init__(sentence)
        self.reason = reason


class Question(NamedTuple):
    """What is asked. Without a `body` it is a GET.

    `seconds` bounds all of it once there are addresses, `largest` the answer, in bytes.
    """

    url: httpx.URL
    headers: Mapping[str, str]
    allow_private: bool
    seconds: float
    largest: int
    too_large: str
    body: bytes | None = None


def ask(question: Question) -> tuple[int, bytes]:
    """Status and body. Raises CannotReach. Not for a thread that has an event loop already."""
    failure = CannotReach(f"The name {question.url.host} has no address.")
    addresses = _addresses(question.url, question.allow_private)
    until = time.monotonic() + question.seconds
    for address in addresses:
        try:
            return asyncio.run(_ask_in_time(address, question, until))
        except CannotReach as error:
            failure = error
            was_asked = error.reason not in ("connect", "timeout_connect")  # and may be paid
            if was_asked or time.monotonic() >= until:
                break
    raise failure


def _addresses(url: httpx.URL, allow_private: bool) -> list[str]:
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise CannotReach(f"The name {url.host} cannot be resolved.") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if allow_private:
        return addresses
    public = [address for address in addresses if public_address(address)]
    if not public:
        raise CannotReach(
            f"{url.host} is a private address. Tick “allow private network” if it is a server of "
            "your own."
        )
    return public


async def _ask_in_time(address: str, question: Question, until: float) -> tuple[int, bytes]:
    """Ask one address, connecting and the last byte included."""
    left = max(0.1, until - time.monotonic())
    try:
        async with asyncio.timeout(left):
            return await _ask_at(address, question, left)
    except TimeoutError:
        raise _too_slow(question) from None


async def _ask_at(address: str, question: Question, left: float) -> tuple[int, bytes]:
    """With TLS for the name."""
    url = question.url
    timeout = httpx.Timeout(left, connect=min(CONNECT_SECONDS, left))
    headers = {**question.headers, "host": url.netloc.decode("ascii"), "accept": "application/json"}
    async with httpx.AsyncClient(
        timeout=timeout, verify=system_trust(), trust_env=False, follow_redirects=False
    ) as client:
        request = client.build_request(
            "GET" if question.body is None else "POST",
            url.copy_with(host=address),
            content=question.body,
            headers=headers,
            extensions={"sni_hostname": url.host},
        )
        try:
            response = await client.send(request, stream=True)
            return response.status_code, await _bounded(response, question)
        except httpx.ConnectTimeout:
            raise CannotReach(
                f"The server did not accept a connection within {CONNECT_SECONDS:.0f} s.",
                "timeout_connect",
            ) from None
        except httpx.TimeoutException:
            raise _too_slow(question) from None
        except httpx.ConnectError as error:
            raise CannotReach(_connect_sentence(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL):
            sentence = "The server was reached, but does not speak HTTP as expected."
            raise CannotReach(sentence, "upstream_invalid") from None


def _too_slow(question: Question) -> CannotReach:
    sentence = f"The server was reached, but did not answer within {question.seconds:.0f} s."
    return CannotReach(sentence, "timeout_total")


async def _bounded(response: httpx.Response, question: Question) -> bytes:
    """The body, if it is not too large. Raises CannotReach."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > question.largest:
            raise CannotReach(question.too_large, "upstream_invalid")
    return b"".join(parts)


def _connect_sentence(error: httpx.ConnectError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "The server's certificate is not valid for its name."
        if isinstance(cause, ssl.SSLError):
            return "No secure connection came about. Is the base URL meant to begin with http://?"
        if isinstance(cause, ConnectionRefusedError):
            return "The server refused the connection: nothing listens at this address and port."
        cause = cause.__cause__ or cause.__context__
    return "The server could not be reached."
