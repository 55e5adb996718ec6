"""How a rule reads: the parts of its sentence, and which rules are never reached."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from routing.models import Rule, Target
from usage.keys import is_pattern, model_pattern


class Part(NamedTuple):
    """One Target in the sentence. `share` is its part of the tier, empty where it has all of it."""

    place: str
    share: str


class Reading(NamedTuple):
    """“When … send to … then …”. `conditions` are (noun, value); `tiers` in fallback order."""

    conditions: tuple[tuple[str, str], ...]
    tiers: tuple[tuple[Part, ...], ...]


def read(rule: Rule) -> Reading:
    """Reads the rule's relations; prefetch them for a list."""
    conditions = [("model is", rule.match_model)] if rule.match_model else []
    conditions += [(f"header {name} is", value) for name, value in rule.match_headers.items()]
    conditions += [("team is", team.name) for team in rule.match_teams.all()]
    conditions += [("key is", key.name) for key in rule.match_keys.all()]
    targets = sorted(rule.targets.all(), key=lambda target: target.tier)
    tiers = groupby(targets, key=lambda target: target.tier)
    return Reading(tuple(conditions), tuple(_tier(list(tier)) for _, tier in tiers))


def _tier(targets: list[Target]) -> tuple[Part, ...]:
    whole = sum(target.weight for target in targets)
    return tuple(
        Part(
            _place(target),
            f"{100 * target.weight / whole:.0f} %" if len(targets) > 1 and whole else "",
        )
        for target in targets
    )


def _place(target: Target) -> str:
    model = target.upstream_model or target.deployment.model
    named = "the model asked for" if model == "*" else model
    return f"{named} · {target.deployment.provider.name}"


def never_reached(rules: Iterable[Rule]) -> list[tuple[Rule, Rule]]:
    """(rule, the one above it that takes all of its requests). Rules are in the order of reading.

    Says only what is certain: a rule above without further conditions, whose model pattern takes
    everything that this one's does.
    """
    found = []
    above: list[Rule] = []
    for rule in rules:
        if not rule.enabled:
            continue
        taker = next((other for other in above if _takes_all(other, rule)), None)
        if taker is not None:
            found.append((rule, taker))
        if not (rule.match_headers or rule.match_teams.all() or rule.match_keys.all()):
            above.append(rule)
    return found


def _takes_all(above: Rule, rule: Rule) -> bool:
    if above.match_model in ("", "*", rule.match_model):
        return True
    if not rule.match_model or is_pattern(rule.match_model):
        return False
    return model_pattern(above.match_model).fullmatch(rule.match_model) is not None
