"""A provider that cannot serve is told of: on the home page, in the list, and by apply_config."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from providers.models import Credential, Deployment, Provider
from routing.models import Rule
from tests.admin.pages import text
from tests.admin.test_home import HOME, make_rollup

LIST = "/admin/patchbay_providers/provider/"
ALL_WELL = "Nothing. Every provider that is on can serve."


def test_where_all_is_well_it_says_so(admin: Client, rule: Rule):
    make_rollup()
    assert ALL_WELL in text(admin.get(HOME))


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        ("env:PATCHBAY_TEST_NOPE", "the environment variable PATCHBAY_TEST_NOPE is not set"),
        ("file:/nowhere/at/all", "there is no file /nowhere/at/all"),
    ],
)
def test_a_provider_whose_only_credential_cannot_be_used(
    admin: Client, openai: Provider, rule: Rule, stored: str, sentence: str
):
    openai.credentials.update(secret=stored)
    make_rollup()
    page = text(admin.get(HOME))
    assert "has no credential that can be used" in page
    assert sentence in page
    assert ALL_WELL not in page
    assert "No usable credential" in text(admin.get(LIST))


def test_one_of_several_credentials_that_cannot_be_used(
    admin: Client, openai: Provider, rule: Rule
):
    Credential.objects.create(provider=openai, label="spare", secret="env:PATCHBAY_TEST_NOPE")
    make_rollup()
    assert "cannot use its credential “spare”" in text(admin.get(HOME))
    assert "Credential unusable" in text(admin.get(LIST))


def test_a_provider_that_refuses_our_credential(admin: Client, rule: Rule):
    make_rollup(outcome="failed", reason="upstream_auth")
    assert "refused our credential" in text(admin.get(HOME))
    assert "Refuses our credential" in text(admin.get(LIST))


def test_a_refusal_is_past_once_the_provider_answered_again(admin: Client, rule: Rule):
    make_rollup(outcome="failed", reason="upstream_auth")
    make_rollup()
    assert ALL_WELL in text(admin.get(HOME))


def test_a_rule_whose_targets_are_all_off(admin: Client, openai: Provider, rule: Rule):
    make_rollup()
    Deployment.objects.filter(model="gpt-4.1").update(enabled=False)
    page = text(admin.get(HOME))
    assert "has no target that is on" in page
    assert f"/admin/patchbay_routing/rule/{rule.pk}/change/" in page


def test_apply_config_warns_of_a_reference_that_leads_nowhere(db: None, tmp_path: Path):
    file = tmp_path / "patchbay.yaml"
    file.write_text(
        "providers:\n"
        "- {name: acme, adapter: openai, credentials: [{label: main, secret: env:PATCHBAY_NOPE}]}\n"
    )
    said, warned = StringIO(), StringIO()
    call_command("apply_config", str(file), stdout=said, stderr=warned)
    assert "Published version 1." in said.getvalue()
    assert warned.getvalue() == (
        "Warning: credential main of provider acme: the environment variable PATCHBAY_NOPE is not "
        "set.\n"
    )
