"""What needs a look, worst first: facts from every room, each with the page that mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from providers import panels as providers
from routing import panels as routing
from usage import panels as usage

MOST_SHOWN = 6


class Notice(NamedTuple):
    """A fact, with the verb and the page that mend it. `subject` is shown in bold before it."""

    tone: str
    icon: str
    subject: str
    fact: str
    verb: str
    link: str


def notices(request: HttpRequest) -> list[Notice]:
    """Everything that this person may see the subject of."""
    return [
        notice
        for permission, found in GROUPS
        if request.user.has_perm(permission)
        for notice in found()
    ]


def sees_everything(request: HttpRequest) -> bool:
    return all(request.user.has_perm(permission) for permission, _ in GROUPS)


def _refused() -> Iterator[Notice]:
    if not routing.any_rule():
        yield Notice(
            "bad",
            "alt_route",
            "Every request is refused",
            "until a rule says where it goes.",
            "Write the first rule",
            reverse("admin:patchbay_routing_rule_add"),
        )


def _serving() -> Iterator[Notice]:
    serving = routing.serving()
    if serving.up_to_date < serving.workers:
        yield Notice(
            "careful",
            "sync",
            f"{serving.workers - serving.up_to_date} of {serving.workers} workers",
            f"do not serve version {serving.version} yet.",
            "Open the version",
            reverse("admin:patchbay_routing_configversion_change", args=[serving.version]),
        )


def _unreached() -> Iterator[Notice]:
    for rule, taker in routing.unreached():
        fact = f"is never reached: “{taker.name}” above takes its requests."
        yield Notice("careful", "warning", rule.name, fact, "Open the rule", _page(rule))


def _idle() -> Iterator[Notice]:
    for rule in routing.idle():
        fact = "has no target that is on; its requests are refused."
        yield Notice("bad", "alt_route", rule.name, fact, "Open the rule", _page(rule))


def _providers() -> Iterator[Notice]:
    for provider, trouble in providers.troubled():
        tone, icon, fact, _, verb = trouble
        yield Notice(tone, icon, provider.name, fact, verb, _page(provider))


def _unpriced() -> Iterator[Notice]:
    unpriced = providers.unpriced()
    if unpriced:
        several = len(unpriced) > 1
        yield Notice(
            "careful",
            "payments",
            f"{len(unpriced)} deployments" if several else str(unpriced[0]),
            "have no price; their cost is unknown."
            if several
            else "has no price; its cost is unknown.",
            "Set prices" if several else "Set its price",
            reverse("admin:patchbay_providers_deployment_changelist")
            if several
            else _page(unpriced[0]),
        )


def _expiring() -> Iterator[Notice]:
    keys = list(usage.expiring_keys())
    if keys:
        several = len(keys) > 1
        yield Notice(
            "note",
            "schedule",
            f"{len(keys)} client keys" if several else keys[0].name,
            "expire within 7 days." if several else "expires within 7 days.",
            "Extend or rotate",
            reverse("admin:patchbay_usage_clientkey_changelist") if several else _page(keys[0]),
        )


def _page(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


GROUPS: tuple[tuple[str, Callable[[], Iterator[Notice]]], ...] = (
    ("patchbay_routing.view_rule", _refused),
    ("patchbay_routing.view_configversion", _serving),
    ("patchbay_providers.view_provider", _providers),
    ("patchbay_routing.view_rule", _idle),
    ("patchbay_routing.view_rule", _unreached),
    ("patchbay_providers.view_deployment", _unpriced),
    ("patchbay_usage.view_clientkey", _expiring),
)
"""The permission that each kind of notice takes."""
