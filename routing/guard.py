"""Refuse changes of teams, keys and quotas that what is running could not keep to."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, ProtectedError

from routing.workers import serving
from usage.deletion import namers


def keep_what_rules_name(sender: object, instance: Model, **_: Any) -> None:
    rules = namers(instance)
    if rules:
        names = ", ".join(map(str, rules))
        raise ProtectedError(
            f"{instance} is named by the rule {names}, and a rule that loses the last of those it "
            "is for would match everybody. Change or delete the rule first.",
            set(rules),
        )


def quota_objection(**_: Any) -> str:
    """Limits are counted in one process so far, so two would let twice as much through."""
    alive = len(serving())
    if alive < 2:
        return ""
    return (
        f"Limits are counted in one process so far, and {alive} are serving. "
        "Serve with --workers 1 first."
    )
