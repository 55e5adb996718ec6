"""What becomes of the stored secrets of a Provider whose row is changed by a person.

They follow it to another name. They do not follow it to another address or vendor: whoever may edit
a Provider could have them sent anywhere and read them there, so there they are entered again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from providers.adapters.registry import ADAPTERS
from providers.models import Credential, Provider
from providers.problems import DocumentInvalid, Problem
from providers.secrets import SecretMissing, binding, reseal

PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """The server that is sent the secrets: two paths of one server are the same place."""

    scheme: str
    host: str
    port: int | None


class Before(NamedTuple):
    """A Provider before the change, and what its secrets were bound to by Credential."""

    adapter: str
    origin: Origin
    bound_to: Mapping[int, str]


def before(provider: Provider, was: Mapping[str, Any]) -> Before:
    """`was` has the members of the row that were changed already; the Credentials are not yet."""
    labels = provider.credentials.exclude(secret="").values_list("pk", "label")
    return Before(
        was["adapter"],
        origin(was["adapter"], was["base_url"]),
        {pk: binding(was["name"], label) for pk, label in labels},
    )


def settle(before: Before, provider: Provider, entered: set[int]) -> None:
    """After the change. `entered` are the Credentials whose secret was typed anew in it.

    Raises DocumentInvalid if a secret that was not would go elsewhere now.
    """
    rows = provider.credentials.filter(pk__in=before.bound_to.keys() - entered)
    kept = list(rows)
    if kept:
        _refuse_to_move(before, provider, kept)
    for row in kept:
        was, now = before.bound_to[row.pk], binding(provider.name, row.label)
        if was != now:
            with suppress(SecretMissing):  # it did not open before either
                row.secret = reseal(row.secret, was, now)
                row.save(update_fields=["secret"])


def origin(adapter: str, base_url: str) -> Origin:
    known = ADAPTERS.get(adapter)
    address = base_url or (known.base_url if known else "")
    try:
        parts = urlsplit(address)
        return Origin(parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme))
    except ValueError:  # a row that no form has checked
        return Origin("", address, None)


def _refuse_to_move(before: Before, provider: Provider, kept: list[Credential]) -> None:
    moved = origin(provider.adapter, provider.base_url) != before.origin
    if not moved and provider.adapter == before.adapter:
        return
    labels = ", ".join(row.label for row in kept)
    raise DocumentInvalid(
        [
            Problem(
                f"providers[{provider.name}].{'base_url' if moved else 'adapter'}",
                "A stored secret is sent to the server and vendor that it was entered for, and "
                f"nowhere else. Enter these again in the same step: {labels}. It takes the right "
                "to change credentials.",
            )
        ]
    )
