"""Which Rule takes a request, and which names a key can ask for."""

from __future__ import annotations

import pytest

from providers.adapters.registry import ADAPTERS
from providers.endpoint import Endpoint
from routing.table import Choice, Route, RouteTable
from usage.keys import is_pattern, model_pattern


def endpoint(provider: str = "openai", deployment: str = "*", **more) -> Endpoint:
    model = "" if deployment == "*" else deployment
    return Endpoint(
        provider=provider,
        adapter=ADAPTERS["openai"],
        base_url="https://example.com",
        deployment=deployment,
        logins=(),
        prices=lambda model: None,
        model=model,
        **more,
    )


def route(name: str, pattern: str = "", target: Endpoint | None = None, **more) -> Route:
    """A Route with one target; `headers`, `teams` and `keys` as the Route has them."""
    settings = {"headers": (), "teams": frozenset(), "keys": frozenset(), "strict": False, **more}
    compiled = model_pattern(pattern) if is_pattern(pattern) else None
    choice = Choice(target or endpoint(), None, 1)
    return Route(name, pattern, compiled, tiers=((choice,),), **settings)


def taken_by(table: RouteTable, model: str, key="alice", team="research", headers=None) -> str:
    match = table.match(model, key, team, headers or {})
    return match.name if match else ""


def test_the_first_route_that_takes_the_model_decides():
    table = RouteTable((route("first", "gpt-*"), route("second", "gpt-4o"), route("rest")))
    assert taken_by(table, "gpt-4o") == "first"
    assert taken_by(table, "claude") == "rest"


@pytest.mark.parametrize(
    ("pattern", "model", "taken"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-*", "gpt-4o/with/slashes", True),
        ("*/gpt", "openai/eu/gpt", True),
        ("gpt-?", "gpt-5", True),
        ("gpt-?", "gpt-", False),
        ("*", "anything", True),
        ("", "anything", True),
        ("a+b", "a+b", True),
        ("a.*", "abc", False),
    ],
)
def test_a_pattern_takes_whole_names_and_a_star_crosses_slashes(pattern, model, taken):
    assert bool(taken_by(RouteTable((route("it", pattern),)), model)) is taken


def test_no_route_is_no_route():
    assert taken_by(RouteTable((route("it", "gpt-4o"),)), "claude") == ""


def test_headers_must_all_have_their_values():
    gold = route("gold", headers=((b"x-tier", b"gold"), (b"x-region", b"eu")))
    table = RouteTable((gold, route("rest")))
    assert taken_by(table, "m", headers={b"x-tier": b"gold", b"x-region": b"eu"}) == "gold"
    assert taken_by(table, "m", headers={b"x-tier": b"gold"}) == "rest"
    assert taken_by(table, "m", headers={b"x-tier": b"Gold", b"x-region": b"eu"}) == "rest"


def test_teams_and_keys_narrow_a_route():
    table = RouteTable(
        (
            route("for alice", keys=frozenset({"alice"})),
            route("for research", teams=frozenset({"research"})),
        )
    )
    assert taken_by(table, "m", key="alice", team="") == "for alice"
    assert taken_by(table, "m", key="bob", team="research") == "for research"
    assert taken_by(table, "m", key="bob", team="") == ""


def test_the_memory_of_models_is_bounded_and_forgets_nothing_that_matters():
    table = RouteTable((route("it", "gpt-*"),))
    for number in range(5000):
        table.for_model(f"gpt-{number}")
    assert len(table._by_model) <= 4096
    assert taken_by(table, "gpt-0") == "it"


def test_only_names_are_listed_never_patterns():
    named = {"gpt-4o": endpoint(deployment="gpt-4o"), "o3": endpoint(deployment="o3")}
    table = RouteTable(
        (
            route("exact", "my-model"),
            route("glob", "gpt-*", endpoint(named=named)),
            route("hidden", "secret", keys=frozenset({"bob"})),
        )
    )
    assert table.named_models("alice", "") == [("gpt-4o", "openai"), ("my-model", "openai")]
    assert ("secret", "openai") in table.named_models("bob", "")


def test_a_target_binds_the_client_s_name_or_its_own():
    anything = endpoint()
    assert Choice(anything, None, 1).bound("gpt-4o").model == "gpt-4o"
    assert Choice(anything, "gpt-4o-2024", 1).bound("gpt-4o").model == "gpt-4o-2024"


def test_a_bound_endpoint_is_remembered_and_the_memory_is_bounded():
    anything = endpoint()
    assert anything.of("a") is anything.of("a")
    for number in range(3000):
        anything.of(f"model-{number}")
    assert len(anything._bound) <= 1000


def test_a_named_deployment_of_the_same_provider_goes_before_the_any_model_one():
    own = endpoint(deployment="gpt-4o")
    assert endpoint(named={"gpt-4o": own}).of("gpt-4o") is own
