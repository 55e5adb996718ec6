"""Refuse changes of teams, keys and quotas that what is running could not keep to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Model, ProtectedError
from django.utils import timezone

from routing.models import Worker
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


ALIVE_WITHIN = timedelta(seconds=15)
"""A Worker that was not seen for this long is taken for gone; it shows itself every five seconds."""


def quota_objection(**_: Any) -> str:
    """Limits are counted in one process so far, so two would let twice as much through."""
    alive = Worker.objects.filter(heartbeat_at__gt=timezone.now() - ALIVE_WITHIN).count()
    if alive < 2:
        return ""
    return (
        f"Limits are counted in one process so far, and {alive} are serving. "
        "Serve with --workers 1 first."
    )
