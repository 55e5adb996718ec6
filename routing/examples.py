"""Models to show in the lines for a key: what rules let it reach by name."""

from __future__ import annotations

from routing.bootstrap import Models, example_models
from routing.models import Rule
from usage.keys import is_pattern, model_pattern
from usage.models import ClientKey

PLACEHOLDER = Models("MODEL", "MODEL")


def models_for(key: ClientKey | None) -> Models:
    """Two names that work with this key (with any, for None), as far as rules name models exactly."""
    rules = Rule.objects.filter(enabled=True).exclude(match_model="")
    rules = rules.prefetch_related("match_teams", "match_keys")
    names = [rule.match_model for rule in rules if _open_to(rule, key)]
    if not names:
        return example_models() or PLACEHOLDER
    return Models(names[0], names[1] if len(names) > 1 else names[0])


def _open_to(rule: Rule, key: ClientKey | None) -> bool:
    if is_pattern(rule.match_model) or rule.match_headers:
        return False
    teams, keys = rule.match_teams.all(), rule.match_keys.all()
    if key is None:
        return not teams and not keys
    if (teams and key.team not in teams) or (keys and key not in keys):
        return False
    return any(model_pattern(text).fullmatch(rule.match_model) for text in key.models_allowed)
