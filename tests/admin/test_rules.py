"""Rules: targets inline, patterns checked, every save live, and how they read."""

from __future__ import annotations

import pytest
from django.test import Client

from providers.models import Provider
from routing.models import ConfigVersion, Rule, Target
from routing.publish import newest
from routing.reading import never_reached, read
from tests.admin.pages import errors, submit, text
from usage.models import Team

ADD = "/admin/patchbay_routing/rule/add/"
LIST = "/admin/patchbay_routing/rule/"


def add(admin: Client, openai: Provider, **changed: object):
    filled = {
        "name": "Smart",
        "match_model": "smart",
        "targets-0-deployment": str(openai.deployments.get(model="gpt-4.1").pk),
    }
    return submit(admin, ADD, "rule", **filled | changed)


def published_rules() -> list[dict[str, object]]:
    version = newest()
    assert version is not None
    rules: list[dict[str, object]] = version.document["rules"]
    return rules


def test_a_new_rule_is_published_as_it_was_typed(admin: Client, openai: Provider, team: Team):
    answer = add(
        admin,
        openai,
        match_headers="X-Tier: gold\nx-region: eu",
        match_teams=[str(team.pk)],
        priority="7",
    )
    assert answer.status_code == 302
    assert published_rules() == [
        {
            "name": "Smart",
            "priority": 7,
            "match": {
                "model": "smart",
                "headers": {"x-region": "eu", "x-tier": "gold"},
                "teams": ["Research"],
            },
            "targets": [{"provider": "openai", "model": "gpt-4.1", "tier": 1, "weight": 100}],
        }
    ]


def test_an_any_model_target_may_fix_the_model(admin: Client, openai: Provider):
    anything = str(openai.deployments.get(model="*").pk)
    add(admin, openai, **{"targets-0-deployment": anything, "targets-0-upstream_model": "gpt-4o"})
    assert published_rules()[0]["targets"] == [
        {"provider": "openai", "model": "gpt-4o", "tier": 1, "weight": 100}
    ]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("match_model", "gpt-[45]", "does not parse"),
        ("match_model", "two words", "blank"),
        ("match_headers", "gold", "name: value"),
        ("match_headers", "x-tier: a\nX-Tier: b", "named twice"),
        ("match_headers", "x tier: gold", "not the name of a header"),
        ("targets-0-tier", "0", "counted from 1"),
        ("targets-0-weight", "-1", "greater than or equal to 0"),
        ("targets-0-upstream_model", "gpt-4o", "is one model already"),
        ("name", " ", "required"),
    ],
)
def test_a_mistake_is_shown_at_its_field_and_nothing_is_saved(
    admin: Client, openai: Provider, field: str, value: str, sentence: str
):
    found = errors(add(admin, openai, **{field: value}))
    assert sentence in " ".join(found[field])
    assert not Rule.objects.exists()
    assert ConfigVersion.objects.count() == 1


def test_a_rule_needs_a_target(admin: Client, openai: Provider):
    found = errors(add(admin, openai, **{"targets-0-deployment": ""}))
    assert "targets" in found
    assert "at least one target" in found["targets"][0]


def test_the_last_target_cannot_be_taken_away(admin: Client, rule: Rule):
    path = f"/admin/patchbay_routing/rule/{rule.pk}/change/"
    found = errors(submit(admin, path, "rule", **{"targets-0-DELETE": "on"}))
    assert "at least one target" in found["targets"][0]
    assert rule.targets.count() == 1


def test_a_deleted_rule_is_published_as_gone(admin: Client, rule: Rule):
    admin.post(f"/admin/patchbay_routing/rule/{rule.pk}/delete/", {"post": "yes"})
    assert published_rules() == []


def test_a_switched_off_rule_is_published_as_off(admin: Client, rule: Rule):
    submit(admin, f"/admin/patchbay_routing/rule/{rule.pk}/change/", "rule", enabled=None)
    assert published_rules()[0]["enabled"] is False


def test_a_rule_reads_as_a_sentence(openai: Provider, rule: Rule, team: Team):
    rule.match_teams.add(team)
    anything = openai.deployments.get(model="*")
    Target.objects.create(rule=rule, deployment=anything, upstream_model="gpt-4o", weight=300)
    Target.objects.create(rule=rule, deployment=anything, tier=2)
    reading = read(rule)
    assert reading.conditions == (("model is", "gpt-*"), ("team is", "Research"))
    assert reading.tiers == (
        (("gpt-4.1 · openai", "25 %"), ("gpt-4o · openai", "75 %")),
        (("the model asked for · openai", ""),),
    )


@pytest.mark.parametrize(
    ("above", "below", "reached"),
    [
        ("gpt-*", "gpt-4o", False),
        ("", "gpt-4o", False),
        ("gpt-*", "gpt-*", False),
        ("gpt-4o", "gpt-*", True),
        ("gpt-4*", "gpt-*", True),
        ("claude-*", "gpt-4o", True),
    ],
)
def test_a_rule_below_one_that_takes_all_of_its_models_is_never_reached(
    db: None, above: str, below: str, reached: bool
):
    rules = [
        Rule.objects.create(name="above", priority=1, match_model=above),
        Rule.objects.create(name="below", priority=2, match_model=below),
    ]
    assert (never_reached(rules) == []) is reached


def test_a_rule_with_further_conditions_hides_nothing(db: None, team: Team):
    above = Rule.objects.create(name="above", priority=1)
    above.match_teams.add(team)
    below = Rule.objects.create(name="below", priority=2, match_model="gpt-4o")
    assert never_reached([above, below]) == []


def test_the_list_shows_sentences_and_warns(admin: Client, openai: Provider, rule: Rule):
    add(admin, openai, name="Old alias", match_model="gpt-4o", priority="200")
    page = text(admin.get(LIST))
    assert "“Old alias” is never reached" in page
    assert "gpt-4.1 · openai" in page


def test_texts_of_people_are_shown_as_text(admin: Client, rule: Rule):
    Rule.objects.filter(pk=rule.pk).update(name="<b>bold</b>", match_model="<i>*")
    page = text(admin.get(LIST))
    assert "<b>bold" not in page
    assert "<i>*" not in page
