"""Teams: made with their limits in one step, and told what is wrong where it is wrong."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.admin.pages import errors, submit
from usage.issue import issue_key
from usage.models import Quota, Team

ADD = "/admin/patchbay_usage/team/add/"


def add(admin: Client, amount: str, metric: str = "cost"):
    limit = {
        "quotas-TOTAL_FORMS": "1",
        "quotas-0-metric": metric,
        "quotas-0-window": "month",
        "quotas-0-amount": amount,
    }
    return submit(admin, ADD, "team", name="Research", **limit)


def test_a_team_is_made_with_its_limit(admin: Client):
    assert add(admin, "25").status_code == 302
    assert Quota.objects.get().team == Team.objects.get(name="Research")


@pytest.mark.parametrize(
    ("metric", "amount", "sentence"),
    [
        ("cost", "", "required"),
        ("cost", "much", "Enter a number"),
        ("cost", "-1", "not negative"),
        ("requests", "1.5", "whole numbers"),
    ],
)
def test_a_limit_that_cannot_work_keeps_the_team_from_being_made(
    admin: Client, metric: str, amount: str, sentence: str
):
    found = errors(add(admin, amount, metric))
    assert sentence in " ".join(found["quotas-0-amount"])
    assert not Team.objects.exists()


def test_a_second_limit_of_a_kind_is_refused_in_words_where_its_key_is_changed(admin: Client):
    key, _ = issue_key("ci")
    Quota.objects.create(client_key=key, metric="requests", window="minute", amount=60)
    second = {
        "quotas-TOTAL_FORMS": "2",
        "quotas-1-metric": "requests",
        "quotas-1-window": "minute",
        "quotas-1-amount": "90",
    }
    path = f"/admin/patchbay_usage/clientkey/{key.pk}/change/"
    shown = str(errors(submit(admin, path, "clientkey", **second)))
    assert "There is a limit of this kind" in shown
    assert "Constraint" not in shown
