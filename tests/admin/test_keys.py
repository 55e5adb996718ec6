"""Client keys: issued here, shown once, rotated and revoked; teams and limits."""

from __future__ import annotations

import re

import pytest
from auditlog.models import LogEntry
from django.contrib.admin.models import LogEntry as AdminLogEntry
from django.test import Client

from routing.models import Rule
from tests.admin.pages import errors, submit, text
from usage.issue import issue_key, opens
from usage.models import ClientKey, Quota, Team

ADD = "/admin/patchbay_usage/clientkey/add/"
LIST = "/admin/patchbay_usage/clientkey/"


def issue(admin: Client, **changed: object):
    return submit(admin, ADD, "clientkey", **{"name": "ci"} | changed)


def secret_on(page: str) -> str:
    found = re.search(r'id="pb-secret">(pbk_\w+)<', page)
    assert found is not None
    return found[1]


def test_a_key_is_shown_once_and_opens_its_row(admin: Client, rule: Rule):
    answer = issue(admin)
    assert answer.status_code == 200
    assert "no-store" in answer["cache-control"]
    secret = secret_on(text(answer))
    key = ClientKey.objects.get()
    assert opens(key, secret)
    for path in (LIST, f"/admin/patchbay_usage/clientkey/{key.pk}/change/"):
        page = text(admin.get(path))
        assert secret not in page
        assert key.last4 in page


def test_the_key_is_in_no_log_and_no_session(admin: Client):
    secret = secret_on(text(issue(admin)))
    assert not any(secret in str(entry.changes) for entry in LogEntry.objects.all())
    assert not any(secret in entry.change_message for entry in AdminLogEntry.objects.all())
    assert secret not in str(dict(admin.session))


def test_sending_the_form_again_issues_no_second_key(admin: Client):
    issue(admin)
    [sentence] = errors(issue(admin))["name"]
    assert "rotate it" in sentence
    assert ClientKey.objects.count() == 1


def test_the_page_has_lines_for_every_client_with_a_model_that_works(admin: Client, rule: Rule):
    Rule.objects.filter(pk=rule.pk).update(match_model="smart")
    page = text(issue(admin))
    secret = secret_on(page)
    for words in ("curl", "OpenAI SDK", "Anthropic SDK", "Claude Code"):
        assert words in page
    assert page.count(secret) >= 6
    assert "ANTHROPIC_AUTH_TOKEN" in page
    assert "smart" in page


def test_what_was_typed_is_what_the_key_may_do(admin: Client, team: Team):
    issue(admin, patterns="gpt-*\nclaude-*\ngpt-*", team=str(team.pk), strict="on")
    key = ClientKey.objects.get()
    assert key.models_allowed == ["gpt-*", "claude-*"]
    assert key.team == team
    assert key.strict


def test_limits_can_be_set_with_the_key(admin: Client):
    rows = {
        "quotas-TOTAL_FORMS": "1",
        "quotas-0-metric": "cost",
        "quotas-0-window": "month",
        "quotas-0-amount": "25",
    }
    assert "$25 a month" in text(issue(admin, **rows))
    assert Quota.objects.get().client_key == ClientKey.objects.get()


@pytest.mark.parametrize("patterns", ["", "gpt-[4]", "two words"])
def test_a_pattern_that_cannot_match_is_refused(admin: Client, patterns: str):
    assert "patterns" in errors(issue(admin, patterns=patterns))
    assert not ClientKey.objects.exists()


@pytest.fixture
def key(db: None) -> tuple[ClientKey, str]:
    return issue_key("campaign")


def test_rotating_asks_first_then_shows_a_new_key(admin: Client, key: tuple[ClientKey, str]):
    row, old = key
    path = f"/admin/patchbay_usage/clientkey/{row.pk}/rotate/"
    assert "Rotate “campaign”?" in text(admin.get(path))
    row.refresh_from_db()
    assert opens(row, old)
    answer = admin.post(path)
    row.refresh_from_db()
    assert "no-store" in answer["cache-control"]
    assert opens(row, secret_on(text(answer)))
    assert not opens(row, old)


def revoked(row: ClientKey) -> bool:
    return ClientKey.objects.filter(pk=row.pk, revoked_at__isnull=False).exists()


def test_revoking_needs_the_name_typed(admin: Client, key: tuple[ClientKey, str]):
    row, _ = key
    path = f"/admin/patchbay_usage/clientkey/{row.pk}/revoke/"
    assert "Type <strong>campaign</strong>" in text(admin.get(path))
    assert "Type campaign to revoke it" in text(admin.post(path, {"name": "wrong"}))
    assert not revoked(row)
    answer = admin.post(path, {"name": "campaign"}, follow=True)
    assert revoked(row)
    assert "is refused from now on" in text(answer)
    assert "Revoked" in text(admin.get(LIST))


def test_every_change_of_a_key_is_numbered_for_the_workers(
    admin: Client, key: tuple[ClientKey, str]
):
    row, _ = key
    before = row.change
    submit(admin, f"/admin/patchbay_usage/clientkey/{row.pk}/change/", "clientkey", strict="on")
    row.refresh_from_db()
    assert row.strict
    assert row.change > before


def test_a_team_that_a_rule_is_for_cannot_be_deleted(admin: Client, rule: Rule, team: Team):
    rule.match_teams.add(team)
    path = f"/admin/patchbay_usage/team/{team.pk}/delete/"
    assert "GPT" in text(admin.get(path))
    admin.post(path, {"post": "yes"})
    assert Team.objects.filter(pk=team.pk).exists()


def test_a_team_with_keys_cannot_be_deleted(admin: Client, team: Team):
    issue_key("ci", team=team)
    admin.post(f"/admin/patchbay_usage/team/{team.pk}/delete/", {"post": "yes"})
    assert Team.objects.filter(pk=team.pk).exists()


QUOTA = "/admin/patchbay_usage/quota/add/"


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"amount": "-1"}, "amount", "not negative"),
        ({"amount": "1.5"}, "amount", "whole numbers"),
        ({"amount": "", "metric": "cost"}, "amount", "required"),
        ({"client_key": True, "team": True}, "team", "not both"),
    ],
)
def test_a_quota_that_cannot_work_is_refused(
    admin: Client,
    key: tuple[ClientKey, str],
    team: Team,
    changed: dict[str, object],
    field: str,
    sentence: str,
):
    rows = {"client_key": key[0].pk, "team": team.pk}
    filled = {name: rows[name] if value is True else value for name, value in changed.items()}
    found = errors(submit(admin, QUOTA, "quota", **{"amount": "60"} | filled))
    assert sentence in " ".join(found[field])
    assert not Quota.objects.exists()


def test_a_second_limit_of_the_same_kind_is_refused_in_words(admin: Client, team: Team):
    assert submit(admin, QUOTA, "quota", amount="60").status_code == 302
    found = errors(submit(admin, QUOTA, "quota", amount="90"))
    assert list(found) == ["window"]
    assert "already" in found["window"][0]
    path = f"/admin/patchbay_usage/team/{team.pk}/change/"
    rows = {"quotas-TOTAL_FORMS": "2"}
    for number in range(2):
        rows |= {
            f"quotas-{number}-metric": "requests",
            f"quotas-{number}-window": "minute",
            f"quotas-{number}-amount": "60",
        }
    assert "already" in errors(submit(admin, path, "team", **rows))["quotas"][0]
    assert not Quota.objects.filter(team=team).exists()
