"""Compile the providers of a published document into Endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from providers.adapters.registry import ADAPTERS, Adapter
from providers.endpoint import Endpoint, Login, Pricer
from providers.families import facts_for
from providers.prices import Price, library_price, own_price

Opener = Callable[[str, str], str]


class SecretMissing(Exception):
    """A credential cannot be opened now; the sentence says what is missing, never the secret."""


class Compiled(NamedTuple):
    """Endpoints by (provider, deployment); and what could not be compiled while the rest serves."""

    endpoints: Mapping[tuple[str, str], Endpoint]
    problems: tuple[str, ...]


def compile_providers(providers: list[dict[str, Any]], open_secret: Opener) -> Compiled:
    """`open_secret(stored, provider/label)` gives plain text or raises SecretMissing."""
    endpoints: dict[tuple[str, str], Endpoint] = {}
    problems: list[str] = []
    for provider in providers:
        adapter = ADAPTERS[provider["adapter"]]
        logins = _logins(provider, adapter, open_secret, problems)
        for endpoint in _endpoints(provider, adapter, logins):
            endpoints[provider["name"], endpoint.deployment] = endpoint
    return Compiled(endpoints, tuple(problems))


def _logins(
    provider: dict[str, Any], adapter: Adapter, open_secret: Opener, problems: list[str]
) -> tuple[Login, ...]:
    """No credential at all is a server without keys; one that cannot be opened is a problem."""
    credentials = provider.get("credentials", [])
    if not credentials:
        return (Login("", _headers(dict(adapter.headers)), ""),)
    logins = []
    for credential in credentials:
        label = credential["label"]
        try:
            secret = open_secret(credential["secret"], f"{provider['name']}/{label}")
        except SecretMissing as error:
            problems.append(f"credential {label} of provider {provider['name']}: {error}")
            continue
        logins.append(Login(label, _headers(adapter.auth_headers(secret)), secret))
    return tuple(logins)


def _headers(headers: dict[str, str]) -> dict[str, str]:
    """What every request to the vendor carries. Uncompressed, so that events are not held back."""
    return {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "patchbay",
        **headers,
    }


def _endpoints(
    provider: dict[str, Any], adapter: Adapter, logins: tuple[Login, ...]
) -> list[Endpoint]:
    def library(model: str) -> Price | None:
        return library_price(adapter.prices, model)

    def endpoint(deployment: str, prices: Pricer, **more: Any) -> Endpoint:
        return Endpoint(
            provider=provider["name"],
            adapter=adapter,
            base_url=(provider.get("base_url") or adapter.base_url).rstrip("/"),
            deployment=deployment,
            logins=logins,
            prices=prices,
            allow_private=provider.get("allow_private_network", False) or adapter.name == "demo",
            **more,
        )

    own = {
        deployment["model"]: own_price(
            f"{provider['name']}/{deployment['model']}", deployment["price"]
        )
        for deployment in provider.get("deployments", [])
        if deployment.get("price")
    }
    named = {}
    for deployment in provider.get("deployments", []):
        model = deployment["model"]
        if model != "*":
            price = own.get(model) or library(model)
            named[model] = endpoint(
                model,
                lambda _, price=price: price,
                model=model,
                price=price,
                facts=facts_for(model),
            )
    found = list(named.values())
    if any(deployment["model"] == "*" for deployment in provider.get("deployments", [])):
        fixed = own.get("*")
        found.append(endpoint("*", (lambda _: fixed) if fixed else library, named=named))
    return found
