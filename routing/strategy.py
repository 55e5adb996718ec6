"""Order a Route's Endpoints: tiers first to last, within a tier by chance and weight."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from providers.endpoint import Endpoint
from routing.table import Choice, Route

Chance = Callable[[], float]


class Plan(NamedTuple):
    """The ordered Endpoints that a request may try, and why each has its place."""

    endpoints: tuple[Endpoint, ...]
    why: tuple[str, ...]


def plan(route: Route, model: str, chance: Chance) -> Plan:
    """`chance` gives numbers in [0, 1). A weight of 0 is never chosen first, nor as a fallback."""
    endpoints: list[Endpoint] = []
    why: list[str] = []
    for number, tier in enumerate(route.tiers, 1):
        for choice in tier if len(tier) == 1 else _shuffled(tier, chance):
            endpoints.append(choice.bound(model))
            why.append(f"tier {number}")
    return Plan(tuple(endpoints), tuple(why))


def _shuffled(tier: tuple[Choice, ...], chance: Chance) -> list[Choice]:
    """Each next place goes to a Choice with probability weight / sum of what is left.

    One draw each, after Efraimidis and Spirakis, “Weighted random sampling with a reservoir” (2006).
    """
    drawn = [(chance() ** (1 / choice.weight), choice) for choice in tier if choice.weight > 0]
    drawn.sort(key=lambda pair: pair[0], reverse=True)
    return [choice for _, choice in drawn]
