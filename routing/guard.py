"""Keep rules as narrow as they were made when a team or a client key is deleted."""

from __future__ import annotations

from typing import Any

from django.db.models import ProtectedError

from routing.models import Rule
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
