"""Who may see the metrics and the API documents: loopback, development, or whoever was let in."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponseBase]


def trusted_only(view: View) -> View:
    """The view for those who may see it; for the others it does not exist (404)."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may_see(request):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def may_see(request: HttpRequest) -> bool:
    """Development, loopback, METRICS_TOKEN as a bearer token, or an address of METRICS_ALLOW."""
    if not settings.PRODUCTION or _has_token(request):
        return True
    address = client_address(request)
    return address is not None and (address.is_loopback or _within(address, settings.METRICS_ALLOW))


def client_address(request: HttpRequest) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The client's address; behind proxies that we trust, the one that they were called from.

    None where a proxy that we do not know of stands between, for then nobody can say.
    """
    hops = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part]
    hops.append(request.META.get("REMOTE_ADDR", ""))
    while hops:
        try:
            address = ipaddress.ip_address(hops.pop())
        except ValueError:
            return None
        if not _within(address, settings.TRUSTED_PROXIES):
            return None if hops else address
    return None


def _has_token(request: HttpRequest) -> bool:
    sent = request.headers.get("authorization", "").removeprefix("Bearer ")
    token = settings.METRICS_TOKEN
    return bool(token) and hmac.compare_digest(sent.encode(), token.encode())


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: list[str]) -> bool:
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)
