"""The order in which Endpoints are tried."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from providers.endpoint import Endpoint
from routing.strategy import plan
from routing.table import Choice, Route
from tests.flow.test_table import endpoint


def routed(*tiers: tuple[tuple[str, int], ...]) -> Route:
    """A Route with these (provider, weight) pairs in each tier."""
    choices = tuple(
        tuple(Choice(endpoint(provider), None, weight) for provider, weight in tier)
        for tier in tiers
    )
    return Route("rule", "", None, (), frozenset(), frozenset(), False, choices)


def order(route: Route, chance=random.random) -> list[str]:
    return [target.provider for target in plan(route, "m", chance).endpoints]


def test_tiers_come_first_to_last_and_the_plan_says_so():
    made = plan(routed((("a", 1),), (("b", 1),), (("c", 1),)), "m", random.random)
    assert [target.provider for target in made.endpoints] == ["a", "b", "c"]
    assert made.why == ("tier 1", "tier 2", "tier 3")


def test_every_endpoint_is_bound_to_the_client_s_model():
    made = plan(routed((("a", 1), ("b", 1))), "gpt-4o", random.random)
    assert [target.model for target in made.endpoints] == ["gpt-4o", "gpt-4o"]
    assert all(isinstance(target, Endpoint) for target in made.endpoints)


def test_weights_decide_how_often_each_goes_first():
    chance = random.Random(7).random
    route = routed((("heavy", 75), ("light", 25)))
    firsts = Counter(order(route, chance)[0] for _ in range(4000))
    assert firsts["heavy"] / 4000 == pytest.approx(0.75, abs=0.03)


def test_the_others_of_a_tier_follow_as_fallbacks():
    assert sorted(order(routed((("a", 50), ("b", 50))))) == ["a", "b"]


def test_a_weight_of_zero_is_never_tried_beside_others():
    assert order(routed((("a", 1), ("off", 0)), (("b", 1),))) == ["a", "b"]


def test_a_chance_of_zero_breaks_nothing():
    assert sorted(order(routed((("a", 1), ("b", 2))), lambda: 0.0)) == ["a", "b"]
