"""What a configuration cannot say: each mistake is named by its path, and all of them at once."""

from __future__ import annotations

from typing import Any

import pytest

from providers.problems import DocumentInvalid, Problem
from routing.document import read
from routing.references import NOTHING_KNOWN, Known, check
from routing.yaml_text import parse
from tests.config.files import Document, provider, rule, rules, whole

NOBODY = Known({}, frozenset(), frozenset(), frozenset())


def mistakes(document: Any, known: Known = NOBODY) -> list[Problem]:
    entries, problems = read(document)
    return problems + check(entries, known)


def with_provider(**members: Any) -> Document:
    return {"providers": [provider(**members)]}


def with_target(**members: Any) -> Document:
    return rules(rule("r", {"provider": "openai", **members}))


def with_key(**members: Any) -> Document:
    return {"client_keys": [{"name": "ci", **members}]}


def with_team(**members: Any) -> Document:
    return {"teams": [{"name": "t", **members}]}


def with_quota(**members: Any) -> Document:
    return {"quotas": [{"metric": "cost", "window": "month", "amount": "1", **members}]}


def with_price(**members: Any) -> Document:
    price = {"input_per_mtok": "1", "output_per_mtok": "1", **members}
    return with_provider(deployments=[{"model": "m", "price": price}])


PRICE = "providers[0].deployments[0].price"

CASES: list[tuple[Document, str, str]] = [
    ({"provider": []}, "provider", "There is no member 'provider'"),
    ({"rules": {}}, "rules", "a list"),
    ({"rules": ["x"]}, "rules[0]", "a mapping"),
    # Providers
    (with_provider(name="a b"), "providers[0].name", "letters, digits"),
    (with_provider(adapter="opnai"), "providers[0].adapter", "no adapter 'opnai'"),
    (with_provider(adapter="openai_compatible"), "providers[0].base_url", "missing"),
    (with_provider(base_url="ftp://x"), "providers[0].base_url", "http"),
    (with_provider(base_url="https://"), "providers[0].base_url", "name a host"),
    (with_provider(base_url="https://a b.example"), "providers[0].base_url", "blank"),
    (with_provider(base_url="https://u:p@a.example"), "providers[0].base_url", "user or password"),
    (with_provider(base_url="https://a.example/?k=1"), "providers[0].base_url", "query"),
    (with_provider(base_url="https://a.example:99999"), "providers[0].base_url", "read"),
    (with_provider(base_url="http://127.0.0.1:1/v1"), "providers[0].base_url", "private"),
    (with_provider(base_url="http://[::1]/v1"), "providers[0].base_url", "private"),
    (with_provider(base_url="http://[::ffff:10.0.0.1]/"), "providers[0].base_url", "private"),
    (with_provider(base_url="http://169.254.169.254/"), "providers[0].base_url", "private"),
    (with_provider(base_url="http://2130706433/"), "providers[0].base_url", "private"),
    (with_provider(base_url="http://127.1/"), "providers[0].base_url", "private"),
    (with_provider(base_url="http://①②⑦.0.0.1/"), "providers[0].base_url", "private"),
    (with_provider(base_url="http://１２７。０。０。１/"), "providers[0].base_url", "private"),
    (with_provider(base_url="http://ｌocalhost/"), "providers[0].base_url", "private"),
    (with_provider(base_url="http://192.0.2.1:0/"), "providers[0].base_url", "Port 0"),
    (with_provider(base_url="http://localhost:1/"), "providers[0].base_url", "private"),
    (with_provider(base_url="http://LOCALHOST./"), "providers[0].base_url", "private"),
    (with_provider(allow_private_network="yes"), "providers[0].allow_private_network", "true or"),
    (with_provider(credentials=[{"labl": "x"}]), "providers[0].credentials[0].labl", "label"),
    (with_provider(deployments=[{"model": "gpt-*"}]), "providers[0].deployments[0].model", "patt"),
    (with_provider(deployments=[{}]), "providers[0].deployments[0].model", "missing"),
    ({"providers": [provider(), provider()]}, "providers[1].name", "twice"),
    (
        with_provider(credentials=[{"secret": "env:A"}, {"secret": "env:B"}]),
        "providers[0].credentials[1].label",
        "twice",
    ),
    (
        with_provider(deployments=[{"model": "a"}, {"model": "a"}]),
        "providers[0].deployments[1].model",
        "twice",
    ),
    (with_price(input_per_mtok="-1"), f"{PRICE}.input_per_mtok", "negative"),
    (with_price(input_per_mtok="cheap"), f"{PRICE}.input_per_mtok", "not a number"),
    (with_price(input_per_mtok=True), f"{PRICE}.input_per_mtok", "number"),
    (with_price(input_per_mtok=float("nan")), f"{PRICE}.input_per_mtok", "number"),
    (with_price(output_per_mtok="0.0000001"), f"{PRICE}.output_per_mtok", "6 decimals"),
    (with_price(output_per_mtok=10**8), f"{PRICE}.output_per_mtok", "less than"),
    (with_price(output_per_mtok=None), f"{PRICE}.output_per_mtok", "missing"),
    (with_price(cached="1"), f"{PRICE}.cached", "cached_input_per_mtok"),
    # Rules
    ({"rules": [{"name": "r"}]}, "rules[0].targets", "at least one target"),
    ({"rules": [{"name": "r", "targets": []}]}, "rules[0].targets", "at least one target"),
    (rules(rule("r"), rule("r")), "rules[1].name", "twice"),
    (rules(rule(" r")), "rules[0].name", "blank"),
    (rules(rule("r", priority="high")), "rules[0].priority", "whole number"),
    (rules(rule("r", match={"model": "gpt-[45]*"})), "rules[0].match.model", "does not parse"),
    (rules(rule("r", match={"model": "{a,}"})), "rules[0].match.model", "does not parse"),
    (rules(rule("r", match={"model": "a b"})), "rules[0].match.model", "blank"),
    (rules(rule("r", match={"modell": "a"})), "rules[0].match.modell", "there are model, headers"),
    (rules(rule("r", match={"headers": {"x y": "1"}})), "rules[0].match.headers", "header"),
    (rules(rule("r", match={"headers": {"x": "a\nb"}})), "rules[0].match.headers", "header"),
    (rules(rule("r", match={"headers": {"X": "a", "x": "b"}})), "rules[0].match.headers", "twice"),
    (rules(rule("r", match={"teams": ["t"]})), "rules[0].match.teams[0]", "no team 't'"),
    (rules(rule("r", match={"client_keys": ["k"]})), "rules[0].match.client_keys[0]", "no client"),
    (with_target(provider="x"), "rules[0].targets[0].provider", "no provider 'x'"),
    (with_target(model="o*"), "rules[0].targets[0].model", "pattern"),
    (with_target(tier=0), "rules[0].targets[0].tier", "1 or more"),
    (with_target(weight=-1), "rules[0].targets[0].weight", "0 or more"),
    (
        rules(
            rule("r", {"provider": "openai", "model": "b"}),
            providers=[provider(deployments=[{"model": "a"}])],
        ),
        "rules[0].targets[0].model",
        "no deployment for the model 'b'",
    ),
    (
        rules(rule("r"), providers=[provider(deployments=[{"model": "a"}])]),
        "rules[0].targets[0].model",
        "no deployment for any model",
    ),
    # Teams, client keys, quotas
    ({"teams": [{"name": ""}]}, "teams[0].name", "empty"),
    ({"teams": [{"name": "t"}, {"name": "t"}]}, "teams[1].name", "twice"),
    (with_key(team="t"), "client_keys[0].team", "no team 't'"),
    (with_key(owner="eve"), "client_keys[0].owner", "no user 'eve'"),
    (with_key(models=[]), "client_keys[0].models", "empty"),
    (with_key(models=["a", "b["]), "client_keys[0].models[1]", "does not parse"),
    (with_key(expires_at="soon"), "client_keys[0].expires_at", "2027-01-31"),
    (with_team(transcripts="some"), "teams[0].transcripts", "'off', 'metadata' or 'full'"),
    (with_key(transcripts=True), "client_keys[0].transcripts", "'off', 'metadata' or 'full'"),
    (rules(rule("r", transcripts="")), "rules[0].transcripts", "'off', 'metadata' or 'full'"),
    (with_team(transcript_share=100.1), "teams[0].transcript_share", "100 or less"),
    (with_key(transcript_share="-1"), "client_keys[0].transcript_share", "not negative"),
    (rules(rule("r", transcript_share="few")), "rules[0].transcript_share", "not a number"),
    (with_team(redaction="MAIL"), "teams[0].redaction", "all, none, or some of EMAIL"),
    (with_key(redaction="all,EMAIL"), "client_keys[0].redaction", "all, none, or some of"),
    (rules(rule("r", redaction=[])), "rules[0].redaction", "all, none, or some of"),
    (with_quota(metric="tokens"), "quotas[0].metric", "'requests' or 'cost'"),
    (with_quota(window="year"), "quotas[0].window", "month"),
    (with_quota(amount="-1"), "quotas[0].amount", "negative"),
    (with_quota(metric="requests", amount="1.5"), "quotas[0].amount", "whole"),
    (with_quota(client_key="k"), "quotas[0].client_key", "no client key 'k'"),
    (with_quota(team="t"), "quotas[0].team", "no team 't'"),
]


@pytest.mark.parametrize(("document", "path", "words"), CASES)
def test_a_mistake_is_named_by_its_path_in_a_sentence(document, path, words):
    [problem] = mistakes(document)
    assert problem.path == path
    assert words in problem.message
    assert problem.message.endswith(".")


def test_a_file_with_one_of_everything_has_no_mistake():
    assert mistakes(whole()) == []


def test_every_mistake_is_named_at_once_even_two_in_one_entry():
    document = {
        "extra": 1,
        "providers": [provider(adapter="opnai", base_url="nowhere", more=1)],
        "rules": [rule("r", {"provider": "x", "tier": 0}, match={"model": "[", "teams": ["t"]})],
        "quotas": [{"metric": "tokens", "window": "year", "team": "t", "amount": "1"}],
    }
    assert {problem.path for problem in mistakes(document)} >= {
        "extra",
        "providers[0].adapter",
        "providers[0].more",
        "rules[0].match.model",
        "rules[0].match.teams[0]",
        "rules[0].targets[0].provider",
        "rules[0].targets[0].tier",
        "quotas[0].metric",
        "quotas[0].window",
    }


def test_what_refers_to_a_mistaken_entry_is_not_told_that_it_does_not_exist():
    document = rules(rule("r"), providers=[provider(adapter="opnai")])
    assert [problem.path for problem in mistakes(document)] == ["providers[0].adapter"]


def test_a_file_may_refer_to_what_exists_beside_it():
    document = {"rules": [rule("r", match={"teams": ["t"]})]}
    known = Known({"openai": frozenset("*")}, frozenset("t"), frozenset(), frozenset())
    assert mistakes(document, known) == []
    assert len(mistakes(document)) == 2


def test_a_quota_is_on_a_key_or_on_a_team_and_there_once():
    both = with_quota(team="t", client_key="k")
    known = Known({}, frozenset("t"), frozenset("k"), frozenset())
    assert [problem.path for problem in mistakes(both, known)] == ["quotas[0]"]
    twice = {"quotas": with_quota()["quotas"] * 2}
    assert [problem.path for problem in mistakes(twice)] == ["quotas[1]"]


def test_empty_members_count_as_absent():
    document = {
        "providers": None,
        "teams": [{"name": "t", "description": None}],
        "client_keys": [{"name": "k", "team": None, "models": None}],
    }
    assert mistakes(document) == []


def test_a_published_document_does_not_know_teams_and_keys_so_they_are_not_checked():
    assert mistakes(rules(rule("r", match={"teams": ["t"]})), NOTHING_KNOWN) == []


@pytest.mark.parametrize("document", [[], "text", 7, None])
def test_a_configuration_is_a_mapping(document):
    [problem] = mistakes(document)
    assert "mapping" in problem.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: []\nrules: []\n", "line 2, column 1: This is not YAML: 'rules' stands twice."),
        ("teams: [{name: a, name: b}]", "'name' stands twice"),
        ("rules: [", "line 1"),
        ("a: !!python/object:os.system {}", "line 1"),
        ("1: 2", "not a name"),
        ("a: \x00", "not YAML"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_text_that_is_not_plain_yaml_is_refused_with_its_place(text, words):
    with pytest.raises(DocumentInvalid) as raised:
        parse(text)
    assert words in str(raised.value)


def test_yaml_may_repeat_a_part_by_reference_and_change_it():
    text = "a: &part {name: x, weight: 1}\nb: {<<: *part, weight: 2}"
    assert parse(text)["b"] == {"name": "x", "weight": 2}
