"""What rules mean once they are compiled: who is tried, in which order, under which name."""

from __future__ import annotations

from typing import Any

import pytest

from providers.problems import DocumentInvalid
from providers.secrets import SecretMissing
from routing.compile import compile_document
from routing.snapshot import Snapshot
from routing.strategy import plan
from routing.table import Route
from tests.config.files import Document, provider, rule, rules, whole


def opened(stored: str, bound_to: str) -> str:
    if stored == "env:NOT_SET":
        raise SecretMissing("the environment variable NOT_SET is not set.")
    return f"plain {stored}"


def compiled(document: Document) -> Snapshot:
    return compile_document(document, opened)


def route(*targets: Document, providers: list[Document] | None = None, **members: Any) -> Route:
    [found] = compiled(rules(rule("r", *targets, **members), providers=providers)).table.routes
    return found


def asked(found: Route, model: str) -> list[tuple[str, str]]:
    """(provider, model) in the order of a plan."""
    return [(end.provider, end.model) for end in plan(found, model, lambda: 0.5).endpoints]


def test_rules_are_read_by_priority_then_name():
    table = compiled(
        rules(rule("b", priority=5), rule("z", priority=-1), rule("a", priority=5), rule("c"))
    ).table
    assert [found.name for found in table.routes] == ["z", "a", "b", "c"]


def test_a_star_passes_the_clients_name_through():
    assert asked(route({"provider": "openai", "model": "*"}), "gpt-x") == [("openai", "gpt-x")]


def test_a_target_without_a_model_passes_the_clients_name_through():
    assert asked(route({"provider": "openai"}), "gpt-x") == [("openai", "gpt-x")]


def test_a_name_that_only_the_star_covers_is_what_is_asked_for():
    found = route({"provider": "openai", "model": "gpt-4.1"}, match={"model": "replay/openai"})
    assert asked(found, "replay/openai") == [("openai", "gpt-4.1")]


@pytest.mark.parametrize(
    ("base_url", "model", "known"),
    [
        ("https://api.groq.com/openai/v1", "llama-3.3-70b-versatile", True),
        ("https://api.mistral.ai/v1", "mistral-large-latest", True),
        ("https://llm.example.com/v1", "llama-3.3-70b-versatile", False),
    ],
)
def test_a_compatible_vendor_is_known_to_the_price_library_by_its_address(base_url, model, known):
    there = provider(name="p", adapter="openai_compatible", base_url=base_url)
    found = route({"provider": "p", "model": "*"}, providers=[there])
    [endpoint] = plan(found, model, lambda: 0.5).endpoints
    assert (endpoint.price is not None) is known


def test_a_named_deployment_brings_its_own_price():
    price = {"input_per_mtok": "3", "output_per_mtok": "4"}
    deployments = [{"model": "*"}, {"model": "m", "price": price}]
    for targets in ({"provider": "openai", "model": "m"}, {"provider": "openai"}):
        found = route(targets, providers=[provider(deployments=deployments)])
        [endpoint] = plan(found, "m", lambda: 0.5).endpoints
        assert endpoint.deployment == "m"
        assert endpoint.price is not None
        assert endpoint.price.input == 3_000_000


def test_tiers_are_tried_in_order_however_they_are_numbered_and_written():
    found = route(
        {"provider": "openai", "model": "third", "tier": 9},
        {"provider": "openai", "model": "first", "tier": 2},
        {"provider": "openai", "model": "second", "tier": 5},
    )
    assert [model for _, model in asked(found, "x")] == ["first", "second", "third"]


def test_a_weight_of_zero_is_never_asked_even_alone_in_its_tier():
    found = route(
        {"provider": "openai", "model": "never", "tier": 1, "weight": 0},
        {"provider": "openai", "model": "ever", "tier": 2},
    )
    assert [model for _, model in asked(found, "x")] == ["ever"]


def test_a_rule_matches_by_pattern_headers_team_and_key():
    [found, off] = whole()["rules"]
    table = compiled(rules(found, off, providers=whole()["providers"])).table
    gold = {b"x-tier": b"gold"}
    match = table.match("gpt-a/b", "ci", "research", gold)
    assert match is not None
    assert match.name == "default"
    assert table.match("gpt-a/b", "ci", "research", {}) is None
    assert table.match("gpt-a/b", "ci", "", gold) is None
    assert table.match("gpt-a/b", "other", "research", gold) is None
    assert table.match("o3", "ci", "research", gold) is None


def test_what_is_disabled_is_left_out():
    providers = [
        provider(deployments=[{"model": "*"}, {"model": "m", "enabled": False}]),
        provider("closed", enabled=False),
    ]
    targets = [
        {"provider": "closed", "model": "a", "tier": 1},
        {"provider": "openai", "model": "m", "tier": 2},
        {"provider": "openai", "model": "b", "tier": 3},
    ]
    assert asked(route(*targets, providers=providers), "x") == [("openai", "b")]
    assert compiled(rules(rule("r", enabled=False))).table.routes == ()


def test_a_rule_without_a_usable_target_keeps_its_requests_from_the_next_rule():
    document = rules(
        rule("narrow", {"provider": "closed"}, match={"model": "secret-*"}, priority=1),
        rule("wide"),
        providers=[provider(), provider("closed", enabled=False)],
    )
    snapshot = compiled(document)
    found = snapshot.table.match("secret-1", "ci", "", {})
    assert found is not None
    assert (found.name, found.tiers) == ("narrow", ())
    assert [problem for problem in snapshot.problems if "narrow" in problem] == [
        "rule narrow: none of its targets can be used; its requests are refused."
    ]
    assert snapshot.table.named_models("ci", "") == []


def test_a_secret_that_is_missing_is_a_problem_and_the_rest_serves():
    credentials = [{"label": "a", "secret": "env:NOT_SET"}, {"label": "b", "secret": "env:SET"}]
    snapshot = compiled({"providers": [provider(credentials=credentials)], "rules": [rule("r")]})
    [endpoint] = plan(snapshot.table.routes[0], "x", lambda: 0.5).endpoints
    assert [login.label for login in endpoint.logins] == ["b"]
    assert snapshot.problems == (
        "credential a of provider openai: the environment variable NOT_SET is not set.",
    )


def test_a_provider_whose_credentials_are_all_disabled_is_not_called_without_one():
    credentials = [{"secret": "env:SET", "enabled": False}]
    snapshot = compiled({"providers": [provider(credentials=credentials)], "rules": [rule("r")]})
    [endpoint] = plan(snapshot.table.routes[0], "x", lambda: 0.5).endpoints
    assert endpoint.logins == ()


def test_a_server_without_credentials_is_called_without_one():
    [endpoint] = plan(route(), "x", lambda: 0.5).endpoints
    [login] = endpoint.logins
    assert "authorization" not in login.headers


def test_places_are_the_addresses_that_may_be_called_but_for_the_demos():
    ours = {"base_url": "http://10.0.0.1/v1/", "allow_private_network": True}
    providers = [provider(), provider("ours", **ours), provider("demo", adapter="demo")]
    document = rules(rule("r"), providers=providers)
    assert compiled(document).places == {
        "https://api.openai.com/v1": False,
        "http://10.0.0.1/v1": True,
    }


def test_a_document_that_cannot_work_is_refused_whole():
    with pytest.raises(DocumentInvalid) as raised:
        compiled(rules(rule("r", {"provider": "x"}), rule("s", match={"model": "["})))
    assert [problem.path for problem in raised.value.problems] == [
        "rules[1].match.model",
        "rules[0].targets[0].provider",
    ]
