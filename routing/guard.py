"""Refuse changes of teams, keys and quotas that what is running could not keep to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import ProtectedError
from django.utils import timezone

from routing.models import Rule, Worker
from usage.models import ClientKey, Team


def rules_left_open(row: Team | ClientKey) -> list[Rule]:
    """Rules that match nobody but this team or key; without it they would match anybody."""
    if isinstance(row, Team):
        rules, relation = Rule.objects.filter(match_teams=row), "match_teams"
    else:
        rules, relation = Rule.objects.filter(match_keys=row), "match_keys"
    return [rule for rule in rules if getattr(rule, relation).count() == 1]


def refuse_to_open_rules(sender: object, instance: Team | ClientKey, **_: Any) -> None:
    rules = rules_left_open(instance)
    if rules:
        names = ", ".join(rule.name for rule in rules)
        raise ProtectedError(
            f"Nobody else is matched by the rule {names}, which would match everybody without it. "
            "Change or delete the rule first.",
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
