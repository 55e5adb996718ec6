"""Refuse changes of teams, keys and quotas that what is running could not keep to."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, ProtectedError

from routing.models import Rule
from routing.workers import serving
from usage.deletion import namers
from usage.models import ClientKey, RedactionPattern, Team


def keep_what_rules_name(sender: object, instance: Model, **_: Any) -> None:
    rules = namers(instance)
    if rules:
        names = ", ".join(map(str, rules))
        raise ProtectedError(
            f"{instance} is named by the rule {names}, and a rule that loses the last of those it "
            "is for would match everybody. Change or delete the rule first.",
            set(rules),
        )


def keep_pattern_that_is_named(sender: object, instance: RedactionPattern, **_: Any) -> None:
    found = hide(instance.name)
    if found:
        names = ", ".join(f"the {row._meta.verbose_name} {row}" for row in found)
        raise ProtectedError(
            f"{instance} is to be hidden by {names}. Take it out there first.", set(found)
        )


def hide(pattern: str) -> list[Model]:
    """The rules, teams and client keys that name a redaction pattern."""
    return [
        row
        for kind in (Rule, Team, ClientKey)
        for row in kind._default_manager.filter(redaction__contains=pattern)
        if pattern in row.redaction.split(",")
    ]


def quota_objection(**_: Any) -> str:
    """Limits are counted in one process so far, so two would let twice as much through."""
    alive = len(serving())
    if alive < 2:
        return ""
    return (
        f"Limits are counted in one process so far, and {alive} are serving. "
        "Serve with --workers 1 first."
    )
