"""Models to show in the lines for a key: what rules take and it may ask for."""

from __future__ import annotations

from collections.abc import Iterable

from routing.bootstrap import Models, example_models
from routing.models import Rule
from usage.keys import is_pattern, model_pattern
from usage.models import ClientKey

PLACEHOLDER = Models("MODEL", "MODEL")


def models_for(key: ClientKey | None) -> Models:
    """Two names that work with this key (with any, for None), as far as names are known here."""
    rules = Rule.objects.filter(enabled=True).prefetch_related("match_teams", "match_keys")
    patterns = [rule.match_model or "*" for rule in rules if _open_to(rule, key)]
    names = [name for name in patterns if not is_pattern(name) and _may_ask(key, name)]
    if key is not None and not names:
        wanted = [name for name in key.models_allowed if not is_pattern(name)]
        names = [name for name in wanted if _takes(patterns, name)]
    if not names:
        usual = example_models() or PLACEHOLDER
        names = [name for name in usual if _may_ask(key, name) and _takes(patterns, name)]
    if not names:
        return PLACEHOLDER
    return Models(names[0], names[1] if len(names) > 1 else names[0])


def _open_to(rule: Rule, key: ClientKey | None) -> bool:
    if rule.match_headers:
        return False
    teams, keys = rule.match_teams.all(), rule.match_keys.all()
    if key is None:
        return not teams and not keys
    return (not teams or key.team in teams) and (not keys or key in keys)


def _may_ask(key: ClientKey | None, name: str) -> bool:
    return key is None or _takes(key.models_allowed, name)


def _takes(patterns: Iterable[str], name: str) -> bool:
    return any(model_pattern(text).fullmatch(name) for text in patterns)
