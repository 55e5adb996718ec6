"""Whether the fields of a Provider can work: pure checks that say what is wrong in a sentence."""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from urllib.parse import SplitResult, urlsplit

from providers.adapters.registry import ADAPTERS
from providers.addresses import public_address

LONGEST_MODEL = 200
LOCAL_NAMES = ("localhost", "localhost.localdomain")


def adapter_problem(adapter: str) -> str | None:
    if adapter in ADAPTERS:
        return None
    return f"There is no adapter {adapter!r}; there are {', '.join(sorted(ADAPTERS))}."


def model_problem(text: str) -> str | None:
    """Why a text cannot name one model of a Provider, or be `*` alone for any."""
    if text != "*" and ("*" in text or "?" in text):
        return "Name one model, or * alone for any. Patterns belong into rules."
    if any(mark.isspace() or not mark.isprintable() for mark in text):
        return "A model name holds no blanks or control characters."
    if len(text) > LONGEST_MODEL:
        return f"A model name has at most {LONGEST_MODEL} characters."
    return None


def base_url_problem(adapter: str, base_url: str, allow_private: bool) -> str | None:
    """What is wrong with a base URL for a known adapter. Empty is the adapter's own address."""
    default = ADAPTERS[adapter].base_url
    if adapter == "demo":
        return "The demo provider has no address of its own; leave it empty." if base_url else None
    if not base_url:
        return (
            None
            if default
            else f"An address is missing: the adapter {adapter} has none of its own."
        )
    try:
        parts = urlsplit(base_url)
        host, port = _as_resolved(parts.hostname or ""), parts.port
    except ValueError:
        return "This is not an address that can be read."
    if port == 0:
        return "Port 0 is none that a server listens on."
    return _shape_problem(base_url, parts, host) or _place_problem(host, allow_private)


def _as_resolved(host: str) -> str:
    """The host as it is looked up: other digits and stops become the usual ones there."""
    return unicodedata.normalize("NFKC", host).replace("\u3002", ".")


def _shape_problem(text: str, parts: SplitResult, host: str) -> str | None:
    if parts.scheme not in ("http", "https") or not host:
        return "The address must begin with http:// or https:// and name a host."
    if any(mark.isspace() or not mark.isprintable() for mark in text) or "\\" in text:
        return "The address holds a blank, a backslash or a control character."
    if "@" in parts.netloc:
        return "The address must not hold a user or password; a secret belongs into a credential."
    if "?" in text or "#" in text:
        return "The address must not hold a query or a fragment; paths are appended to it."
    return None


def _place_problem(host: str, allow_private: bool) -> str | None:
    """Names are checked again when they are resolved, and the peer when it is connected."""
    if allow_private:
        return None
    if host.rstrip(".").lower() in LOCAL_NAMES or host.rstrip(".").endswith(".localhost"):
        return _private(host)
    address = _literal(host)
    if address is not None and not public_address(address):
        return _private(host)
    return None


def _literal(host: str) -> str | None:
    """The address that a host spells, in an old way too (`127.1`, `0x7f01`); None for a name."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _private(host: str) -> str:
    return (
        f"{host} is a private address; set allow_private_network to true if it is a server of "
        "your own."
    )
