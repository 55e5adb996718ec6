"""Try a Provider's connection by asking for its list of models, and say in a sentence how it went.

Synchronous, for the admin. The address is resolved here and the connection is made to what was
resolved, so that a name cannot turn private between the check and the call.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

from providers.adapters.registry import Adapter
from providers.addresses import public_address
from providers.origin import system_trust
from providers.wire.codec import WireFormat

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
LARGEST_ANSWER = 8 * 2**20
MOST_MODELS_A_PAGE = 1000

STATUS_SENTENCES = {
    401: "The vendor answered 401: the secret is wrong or was revoked.",
    403: "The vendor answered 403: the secret is known but may not list models.",
    429: "The vendor answered 429: it was reached, and asks us to slow down. Try again later.",
}


class Place(NamedTuple):
    """Where a Provider is: what the check needs of its row."""

    adapter: Adapter
    base_url: str
    allow_private: bool

    @property
    def models_url(self) -> str:
        base = self.base_url or self.adapter.base_url
        return base.rstrip("/") + self.adapter.models_path


class Verdict(NamedTuple):
    """How a try went. `tone` is good, careful (reached, but unsure) or bad."""

    tone: str
    sentence: str
    models: tuple[str, ...] = ()


class CannotReach(Exception):
    """The try came to nothing; the text is the sentence."""


def try_connection(place: Place, secret: str | None) -> Verdict:
    """Ask for the models with one secret, or with none for a server without keys."""
    if place.adapter.name == "demo":
        return Verdict("good", "The demo provider is built in; there is nothing to connect to.")
    headers = dict(place.adapter.headers)
    if secret is not None:
        headers = place.adapter.auth_headers(secret)
    began = time.monotonic()
    try:
        status, body = _get(place, headers)
    except CannotReach as failure:
        return Verdict("bad", str(failure))
    return _verdict(place, status, body, (time.monotonic() - began) * 1000)


def _verdict(place: Place, status: int, body: bytes, ms: float) -> Verdict:
    if status == 200:
        models = _models(body)
        if models is None:
            return Verdict(
                "careful", "It answered, but not with a list of models that we can read."
            )
        many = "1 model" if len(models) == 1 else f"{len(models)} models"
        return Verdict("good", f"Connected in {ms:.0f} ms; it offers {many}.", models)
    if status in (404, 405):
        return Verdict(
            "careful",
            f"The server was reached, but has no list of models at {place.models_url}. Check that "
            "the base URL is right; deployments can be added by name.",
        )
    if 300 <= status < 400:
        return Verdict("bad", f"The server answered {status}: it wants another base URL.")
    sentence = STATUS_SENTENCES.get(status)
    if sentence is None:
        whose = "has a fault of its own" if status >= 500 else "refused the request"
        sentence = f"The vendor was reached, but {whose}: it answered {status}."
    return Verdict("careful" if status == 429 else "bad", sentence)


def _models(body: bytes) -> tuple[str, ...] | None:
    """The ids of a list of models in OpenAI's or Anthropic's shape; None if it is no such list."""
    try:
        listed: Any = json.loads(body)["data"]
        return tuple(sorted({str(entry["id"]) for entry in listed}))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _get(place: Place, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Status and body. Raises CannotReach."""
    url = httpx.URL(place.models_url)
    if WireFormat.ANTHROPIC_MESSAGES in place.adapter.paths:
        url = url.copy_add_param("limit", MOST_MODELS_A_PAGE)
    failure = CannotReach(f"The name {url.host} has no address.")
    for address in _addresses(url, place.allow_private):
        try:
            return _get_from(address, url, headers)
        except CannotReach as error:
            failure = error
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


def _get_from(address: str, url: httpx.URL, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Ask one address, with TLS for the name."""
    host = url.netloc.decode("ascii")
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    with httpx.Client(
        timeout=timeout, verify=system_trust(), trust_env=False, follow_redirects=False
    ) as client:
        request = client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={**headers, "host": host, "accept": "application/json"},
            extensions={"sni_hostname": url.host},
        )
        try:
            response = client.send(request, stream=True)
            return response.status_code, _bounded(response)
        except httpx.ConnectTimeout:
            raise CannotReach(
                f"The server did not accept a connection within {CONNECT_SECONDS:.0f} s."
            ) from None
        except httpx.TimeoutException:
            raise CannotReach(
                f"The server was reached, but did not answer within {ANSWER_SECONDS:.0f} s."
            ) from None
        except httpx.ConnectError as error:
            raise CannotReach(_connect_sentence(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise CannotReach(
                "The server was reached, but does not speak HTTP as expected."
            ) from None


def _bounded(response: httpx.Response) -> bytes:
    """The body, read under a limit. Raises CannotReach over it."""
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise CannotReach("The server answered with more than a list of models can be.")
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
