"""Compile the providers of a published document into Endpoints. What is disabled is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from providers.adapters.registry import ADAPTERS, Adapter
from providers.endpoint import Endpoint, Login, Pricer
from providers.families import facts_for
from providers.price_library import vendor_named
from providers.prices import Price, library_price, own_price, vendor_at
from providers.secrets import SecretMissing, binding

Opener = Callable[[str, str], str]


class Compiled(NamedTuple):
    """Endpoints by (provider, deployment); and what could not be compiled while the rest serves."""

    endpoints: Mapping[tuple[str, str], Endpoint]
    problems: tuple[str, ...]


def compile_providers(providers: list[dict[str, Any]], open_secret: Opener) -> Compiled:
    """`open_secret(stored, bound_to)` gives plain text or raises SecretMissing."""
    endpoints: dict[tuple[str, str], Endpoint] = {}
    problems: list[str] = []
    for provider in filter(_enabled, providers):
        adapter = ADAPTERS[provider["adapter"]]
        logins = _logins(provider, adapter, open_secret, problems)
        for endpoint in _endpoints(provider, adapter, logins):
            endpoints[provider["name"], endpoint.deployment] = endpoint
    return Compiled(endpoints, tuple(problems))


def _enabled(entry: Mapping[str, Any]) -> bool:
    return entry.get("enabled", True) is True


def _logins(
    provider: dict[str, Any], adapter: Adapter, open_secret: Opener, problems: list[str]
) -> tuple[Login, ...]:
    """No credential at all is a server without keys; one that cannot be opened is a problem.

    Where all are disabled or cannot be opened there is no login, and nothing is sent.
    """
    credentials = provider.get("credentials", [])
    if not credentials:
        return (Login("", _headers(dict(adapter.headers)), ""),)
    logins = []
    for credential in filter(_enabled, credentials):
        label = credential["label"]
        try:
            stored = credential.get("secret") or ""
            secret = open_secret(stored, binding(provider["name"], label))
        except SecretMissing as error:
            problems.append(f"credential {label} of provider {provider['name']}: {error}")
            continue
        logins.append(Login(label, _headers(adapter.auth_headers(secret)), secret))
    return tuple(logins)


def _headers(headers: dict[str, str]) -> dict[str, str]:
    """What every request to the vendor carries. Uncompressed, so that events are not held back."""
    return {
        "accept": "*/*",
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "patchbay",
        **headers,
    }


def _endpoints(
    provider: dict[str, Any], adapter: Adapter, logins: tuple[Login, ...]
) -> list[Endpoint]:
    base_url = (provider.get("base_url") or adapter.base_url).rstrip("/")
    vendor = adapter.prices or vendor_at(base_url)

    def library(model: str) -> Price | None:
        return library_price(vendor, model)

    def endpoint(deployment: str, prices: Pricer, **more: Any) -> Endpoint:
        return Endpoint(
            provider=provider["name"],
            adapter=adapter,
            base_url=base_url,
            deployment=deployment,
            logins=logins,
            prices=prices,
            allow_private=provider.get("allow_private_network", False) or adapter.name == "demo",
            **more,
        )

    own = _own_prices(provider)
    models = [entry["model"] for entry in filter(_enabled, provider.get("deployments", []))]
    named = {}
    for model in models:
        if model != "*":
            prices = _always(own[model]) if model in own else library
            named[model] = endpoint(
                model, prices, model=model, price=prices(model), facts=facts_for(model)
            )
    found = list(named.values())
    if "*" in models:
        fixed = own.get("*")
        if not fixed:
            vendor_named(vendor)  # loads now what the first request would have to wait for
        found.append(endpoint("*", _always(fixed) if fixed else library, named=named))
    return found


def _own_prices(provider: dict[str, Any]) -> dict[str, Price]:
    """The operator's prices by deployment."""
    return {
        entry["model"]: own_price(f"{provider['name']}/{entry['model']}", entry["price"])
        for entry in provider.get("deployments", [])
        if entry.get("price")
    }


def _always(price: Price | None) -> Pricer:
    def pricer(_: str) -> Price | None:
        return price

    return pricer
