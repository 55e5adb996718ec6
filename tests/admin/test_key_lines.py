"""What a new key is shown with: models that it may ask for, and an end that is still to come."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from providers.models import Deployment, Provider
from routing.examples import PLACEHOLDER, models_for
from routing.models import Rule, Target
from tests.admin.pages import errors, submit, text
from usage.issue import issue_key
from usage.models import ClientKey

ADD = "/admin/patchbay_usage/clientkey/add/"
PAST = {"expires_at_0": "2020-01-31", "expires_at_1": "12:00:00"}


@pytest.fixture
def vendors(db: None) -> None:
    """As after a first run: the vendor's own models, by a pattern and by one name."""
    provider = Provider.objects.create(name="openai", adapter="openai")
    deployment = Deployment.objects.create(provider=provider, model="*")
    for name in ("gpt-*", "smart"):
        rule = Rule.objects.create(name=name.strip("-*"), match_model=name)
        Target.objects.create(rule=rule, deployment=deployment)


@pytest.mark.parametrize(
    ("allowed", "shown"),
    [
        (["*"], "smart"),
        (["gpt-*"], "gpt-4o"),
        (["gpt-5-mini"], "gpt-5-mini"),
        (["claude-*", "gpt-5-mini"], "gpt-5-mini"),
        (["claude-*"], PLACEHOLDER.main),
        (["claude-sonnet-4-5"], PLACEHOLDER.main),
    ],
)
def test_the_model_in_the_lines_is_one_that_works_with_the_key(
    vendors: None, allowed: list[str], shown: str
):
    key, _ = issue_key("ci", models=allowed)
    assert models_for(key).main == shown


def test_where_no_model_is_known_it_says_what_to_put_in(admin: Client, vendors: None):
    page = text(submit(admin, ADD, "clientkey", name="ci", patterns="claude-*"))
    assert "in place of MODEL" in page
    assert "in place of MODEL" not in text(submit(admin, ADD, "clientkey", name="other"))


def test_a_name_of_the_gateway_s_own_calls_is_refused(admin: Client):
    [sentence] = errors(submit(admin, ADD, "clientkey", name="(search by meaning)"))["name"]
    assert "A name in brackets" in sentence
    key, _ = issue_key("ci")
    path = f"/admin/patchbay_usage/clientkey/{key.pk}/change/"
    assert errors(submit(admin, path, "clientkey", name="(search by meaning)"))["name"]


def test_an_end_that_has_passed_is_refused(admin: Client):
    [sentence] = errors(submit(admin, ADD, "clientkey", name="ci", **PAST))["expires_at"]
    assert "has passed" in sentence
    assert not ClientKey.objects.exists()


def test_a_key_that_has_expired_can_still_be_changed(admin: Client):
    key, _ = issue_key("ci", expires_at=datetime(2020, 1, 31, 12, tzinfo=UTC))
    path = f"/admin/patchbay_usage/clientkey/{key.pk}/change/"
    assert submit(admin, path, "clientkey", strict="on").status_code == 302


def test_the_command_refuses_it_as_well(db: None):
    with pytest.raises(CommandError, match="2020-01-31 has passed"):
        call_command("issue_key", "--name", "ci", "--expires", "2020-01-31", stdout=StringIO())
    assert not ClientKey.objects.exists()
