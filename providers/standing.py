"""How a Provider stands: what of it cannot serve, by its row, for people to read and mend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from providers.adapters.registry import ADAPTERS
from providers.models import Credential, Provider
from providers.secrets import SecretMissing, binding, open_secret
from providers.signals import refusals_wanted


class Trouble(NamedTuple):
    """`fact` follows the provider's name, `short` stands alone, `verb` says how it is mended."""

    tone: str
    icon: str
    fact: str
    short: str
    verb: str


NO_CREDENTIAL = Trouble(
    "bad", "key_off", "has no credential that is on.", "No credential", "Add a credential"
)
REFUSED = Trouble(
    "bad",
    "key_off",
    "refused our credential within the last hour.",
    "Refuses our credential",
    "Test the connection",
)
NO_DEPLOYMENTS = Trouble(
    "careful",
    "warning",
    "has no deployments that are on, so no rule can use it.",
    "No deployments",
    "Fetch its models",
)


def refusing() -> frozenset[str]:
    """Names of the Providers that refused our credential of late, as the books have it."""
    found = refusals_wanted.send(sender=None)
    return frozenset(name for _, names in found if names for name in names)


def troubles(provider: Provider, refusing: frozenset[str], deployed: bool) -> Iterator[Trouble]:
    """What is wrong with one that is on, worst first. Reads its credentials: prefetch them."""
    credentials = [row for row in provider.credentials.all() if row.enabled]
    shut = [(row.label, words) for row in credentials if (words := _shut(provider, row))]
    if not credentials and _wants_a_secret(provider):
        yield NO_CREDENTIAL
    elif shut:
        yield _cannot_be_used(*shut[0], whole=len(shut) == len(credentials))
    if provider.name in refusing:
        yield REFUSED
    if not deployed:
        yield NO_DEPLOYMENTS


def _wants_a_secret(provider: Provider) -> bool:
    """Vendors do; a compatible server may do without."""
    adapter = ADAPTERS.get(provider.adapter)
    return adapter is not None and bool(adapter.prices)


def _shut(provider: Provider, credential: Credential) -> str:
    """Why it does not open now; empty if it does."""
    try:
        open_secret(credential.secret, binding(provider.name, credential.label))
    except SecretMissing as missing:
        return str(missing)
    return ""


def _cannot_be_used(label: str, why: str, whole: bool) -> Trouble:
    verb = "Mend the credential"
    if whole:
        fact = f"has no credential that can be used. “{label}”: {why}"
        return Trouble("bad", "key_off", fact, "No usable credential", verb)
    fact = f"cannot use its credential “{label}”: {why}"
    return Trouble("careful", "key_off", fact, "Credential unusable", verb)
