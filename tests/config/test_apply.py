"""Applying a file: by name, all or nothing, and the same file twice changes nothing."""

from __future__ import annotations

import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from providers.models import Credential, Deployment, ModelPrice, Provider
from providers.problems import DocumentInvalid
from providers.secrets import open_secret
from routing.apply import Applied, apply
from routing.models import ConfigVersion, Rule, Target, Worker
from routing.publish import publish
from routing.rows import live_part, published_part
from tests.config.files import Document, provider, rule, rules, whole
from usage.issue import issue_key, opens, revoke
from usage.keys import make_key
from usage.models import ClientKey, LiveChange, Quota, Team

pytestmark = pytest.mark.django_db

NOTHING = Applied([], [], [], [], None)


def exported() -> Document:
    return published_part() | live_part()


def problems(document: Document, **options: Any) -> list[str]:
    """The paths of what is wrong, and proof that nothing was changed."""
    before = exported()
    with pytest.raises(DocumentInvalid) as raised:
        apply(document, **options)
    assert exported() == before
    return [problem.path for problem in raised.value.problems]


def test_a_file_makes_everything_that_it_names():
    applied = apply(whole())
    assert applied.created == [
        "team research",
        "client key ci",
        "provider openai",
        "provider ours",
        "rule default",
        "rule off",
        "quota of key ci",
        "quota of team research",
        "quota of everyone",
    ]
    assert (applied.changed, applied.pruned) == ([], [])
    key = ClientKey.objects.get()
    assert key.expires_at == datetime(2027, 1, 31, tzinfo=UTC)
    assert key.team is not None
    assert key.team.name == "research"
    price = ModelPrice.objects.get()
    assert f"{price.input_per_mtok:.2f}" == "0.15"


def test_a_generated_key_is_told_once_and_opens():
    [(name, key)] = apply(whole()).issued
    assert name == "ci"
    assert opens(ClientKey.objects.get(), key)


def test_the_same_file_again_changes_nothing_at_all():
    apply(whole())
    number = LiveChange.objects.get().number
    assert apply(whole()) == NOTHING
    assert apply(whole(), prune=True) == NOTHING
    assert LiveChange.objects.get().number == number
    assert ConfigVersion.objects.count() == 1


def test_applying_an_export_changes_nothing():
    apply(whole())
    revoke(issue_key("gone")[0])
    assert apply(exported()) == NOTHING
    assert apply(exported(), prune=True) == NOTHING


def test_an_export_builds_the_same_house_elsewhere():
    apply(whole())
    document = exported()
    for kind in (Rule, Quota, ClientKey, Provider, Team):
        kind._default_manager.all().delete()
    apply(document)
    assert exported() == document


def test_a_changed_file_changes_what_it_names_and_nothing_else():
    apply(whole())
    document = whole()
    document["providers"][0]["deployments"][0]["price"]["input_per_mtok"] = "0.30"
    document["rules"][0]["match"]["teams"] = []
    document["client_keys"][0]["models"] = ["*"]
    document["quotas"][2]["amount"] = "50"
    applied = apply(document)
    assert applied.changed == [
        "client key ci",
        "provider openai",
        "rule default",
        "quota of everyone",
    ]
    assert (applied.created, applied.issued, applied.version is None) == ([], [], False)


def test_only_live_data_changed_so_nothing_is_published():
    apply(whole())
    document = whole()
    document["quotas"][2]["amount"] = "50"
    assert apply(document).version is None


def test_an_absent_member_takes_its_default_but_an_absent_secret_keeps_its_value():
    apply(whole())
    before = dict(Credential.objects.values_list("label", "secret"))
    slim = provider(credentials=[{"label": "main"}, {"label": "spare"}])
    slim["deployments"] = [{"model": "gpt-4o-mini"}, {"model": "*"}]
    assert apply({"providers": [slim]}).changed == ["provider openai"]
    assert dict(Credential.objects.values_list("label", "secret")) == before
    assert not ModelPrice.objects.exists()


def test_a_literal_secret_is_stored_encrypted_and_a_reference_as_it_is():
    apply(whole())
    spare, main = Credential.objects.order_by("-label")
    assert main.secret == "env:OPENAI_API_KEY"
    assert spare.secret.startswith("enc:v1:")
    assert spare.last4 == "4711"
    assert open_secret(spare.secret, "openai/spare") == "sk-a-literal-secret-4711"


def test_ciphertext_that_was_made_for_another_credential_is_refused():
    apply(whole())
    stolen = Credential.objects.get(label="spare").secret
    evil = provider("evil", base_url="https://evil.example", credentials=[{"secret": stolen}])
    assert problems({"providers": [evil]}) == ["providers[0].credentials[0].secret"]


@pytest.mark.parametrize("secret", [None, "", "env:", "env:SECRET_KEY", "enc:v1:k1:AAAA", "a\nb"])
def test_a_new_credential_needs_a_secret_that_can_work(secret):
    document = {"providers": [provider(credentials=[{"secret": secret}])]}
    assert problems(document) == ["providers[0].credentials[0].secret"]


def test_a_credential_that_has_no_secret_yet_can_be_exported_too():
    openai = Provider.objects.create(name="openai", adapter="openai")
    Credential.objects.create(provider=openai)
    publish()
    assert apply(exported()) == NOTHING


def test_what_the_file_does_not_name_stays():
    apply(whole())
    apply({"rules": [rule("more")]})
    assert Rule.objects.count() == 3
    assert Provider.objects.count() == 2
    assert ClientKey.objects.count() == 1


def test_production_takes_no_new_demo_but_leaves_one_that_is_there(settings):
    demo = {"providers": [{"name": "demo", "adapter": "demo", "deployments": [{"model": "m"}]}]}
    settings.PRODUCTION = True
    assert problems(demo) == ["providers[0].adapter"]
    settings.PRODUCTION = False
    apply(demo)
    settings.PRODUCTION = True
    assert apply(demo).changed == []


def test_pruning_removes_what_a_file_made_and_names_no_more():
    apply(whole())
    document = whole()
    del document["rules"][0]["match"]["client_keys"], document["client_keys"]
    document["rules"].pop()
    document["quotas"] = document["quotas"][1:2]
    document["providers"][0]["credentials"].pop()
    document["providers"][0]["deployments"].pop(0)
    document["rules"][0]["targets"] = [{"provider": "openai"}]
    document["providers"].pop()
    assert apply(document, prune=True).pruned == [
        "quota of key ci",
        "quota of everyone",
        "rule off",
        "client key ci",
        "credential spare of provider openai",
        "deployment gpt-4o-mini of provider openai",
        "provider ours",
    ]


def test_pruning_leaves_what_a_person_made():
    apply(whole())
    Provider.objects.create(name="by-hand", adapter="openai")
    openai = Provider.objects.get(name="openai")
    Deployment.objects.create(provider=openai, model="by-hand")
    Credential.objects.create(provider=openai, label="by-hand", secret="env:X")
    key, _ = issue_key("by-hand")
    apply({"providers": [provider()]}, prune=True)
    assert {row.name for row in Provider.objects.all()} == {"by-hand", "openai"}
    assert Deployment.objects.filter(model="by-hand").exists()
    assert Credential.objects.get().label == "by-hand"
    assert ClientKey.objects.get() == key


def test_what_a_person_made_is_not_pruned_because_a_file_once_changed_it():
    Team.objects.create(name="research")
    apply({"teams": [{"name": "research", "description": "changed"}]})
    assert apply({}, prune=True).pruned == []


def test_pruning_stops_where_a_rule_made_by_hand_would_be_left_without_a_target():
    apply(whole())
    by_hand = Rule.objects.create(name="by-hand")
    Target.objects.create(rule=by_hand, deployment=Deployment.objects.get(model="llama"))
    assert problems({}, prune=True) == ["rules[by-hand].targets"]


def test_pruning_stops_where_a_rule_made_by_hand_would_take_everyone():
    apply({**rules(rule("r")), "client_keys": [{"name": "ci"}]})
    narrow = Rule.objects.create(name="by-hand")
    Target.objects.create(rule=narrow, deployment=Deployment.objects.get())
    narrow.match_keys.set(ClientKey.objects.all())
    document = rules(rule("r"))
    with pytest.raises(DocumentInvalid, match="would match everybody"):
        apply(document, prune=True)
    assert ClientKey.objects.exists()


def test_one_mistake_and_nothing_is_changed():
    document = whole()
    document["quotas"].append({"metric": "cost", "window": "hour", "amount": "1", "team": "x"})
    assert problems(document) == ["quotas[3].team"]
    assert not ConfigVersion.objects.exists()


def test_a_clients_secret_is_resolved_when_it_is_applied(monkeypatch, tmp_path):
    first, second, third = make_key(), make_key(), make_key()
    monkeypatch.setenv("CI_CLIENT_KEY", first)
    (tmp_path / "key").write_text(f"{second}\n")
    keys = [
        {"name": "a", "secret": "env:CI_CLIENT_KEY"},
        {"name": "b", "secret": f"file:{tmp_path / 'key'}"},
        {"name": "c", "secret": third},
    ]
    assert apply({"client_keys": keys}).issued == []
    for name, key in zip("abc", (first, second, third), strict=True):
        assert opens(ClientKey.objects.get(name=name), key)
    assert apply({"client_keys": keys}) == NOTHING
    monkeypatch.setenv("CI_CLIENT_KEY", make_key())
    assert apply({"client_keys": keys}).changed == ["client key a"]


def test_what_is_no_client_key_is_refused(monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    keys = [
        {"name": "a", "secret": "env:NOT_SET"},
        {"name": "b", "secret": "sk-not-ours"},
        {"name": "c", "secret": make_key()[:-1] + "!"},
    ]
    paths = [f"client_keys[{index}].secret" for index in range(3)]
    assert problems({"client_keys": keys}) == paths


def test_two_client_keys_cannot_be_opened_by_one_secret():
    key = make_key()
    document = {"client_keys": [{"name": "a", "secret": key}, {"name": "b", "secret": key}]}
    assert problems(document) == ["client_keys[1].secret"]


def test_a_file_that_knows_nothing_of_it_does_not_revive_a_revoked_key():
    key = make_key()
    apply({"client_keys": [{"name": "a", "secret": key}]})
    revoke(ClientKey.objects.get())
    assert apply({"client_keys": [{"name": "a", "secret": key}]}) == NOTHING
    assert ClientKey.objects.get().revoked_at is not None
    apply({"client_keys": [{"name": "a", "secret": make_key()}]})
    assert ClientKey.objects.get().revoked_at is None


def test_a_file_can_revoke_a_key_and_name_its_owner():
    User.objects.create(username="alice")
    document = {"client_keys": [{"name": "a", "owner": "alice", "revoked": True}]}
    assert apply(document).issued == []
    row = ClientKey.objects.get()
    assert row.revoked_at is not None
    assert row.owner == User.objects.get()
    assert apply(document) == NOTHING


def test_a_limit_is_refused_while_several_workers_would_each_count_it_for_themselves():
    now = timezone.now()
    for pid in (1, 2):
        Worker.objects.create(id=uuid4(), host="h", pid=pid, heartbeat_at=now)
    Worker.objects.create(id=uuid4(), host="h", pid=3, heartbeat_at=now - timedelta(minutes=1))
    limit = {"metric": "requests", "window": "minute", "amount": "5"}
    assert problems({"quotas": [limit]}) == ["quotas"]
    Worker.objects.filter(pid=2).delete()
    apply({"quotas": [limit]})
    assert Quota.objects.count() == 1


def test_a_limit_is_taken_beside_a_worker_of_this_host_that_was_killed():
    with subprocess.Popen(["true"]) as killed:
        killed.wait()
    for pid in (os.getpid(), killed.pid):
        Worker.objects.create(
            id=uuid4(), host=socket.gethostname(), pid=pid, heartbeat_at=timezone.now()
        )
    apply({"quotas": [{"metric": "requests", "window": "minute", "amount": "5"}]})
    assert Quota.objects.count() == 1
