"""Staff with some permissions: each page gives what they may do, and refuses the rest."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from providers.models import Deployment, Provider
from routing.models import ConfigVersion, Worker
from tests.admin.pages import submit, text
from tests.admin.test_home import HOME, make_rollup
from tests.admin.vendor import Vendor
from usage.issue import issue_key
from usage.models import Membership, Team

Staff = Callable[..., Client]


def models(client: Client, provider: Provider, *chosen: str):
    path = f"/admin/patchbay_providers/provider/{provider.pk}/models/"
    return client.post(path, {"model": chosen}, headers={"hx-request": "true"})


def test_who_may_not_add_deployments_sees_the_models_on_offer_and_cannot_tick_them(
    staff: Staff, acme: Provider, vendor: Vendor
):
    vendor.offer("gpt-1", "gpt-2")
    editor = staff("view_provider", "change_provider")
    page = text(models(editor, acme))
    assert "gpt-2" in page
    assert "<input" not in page
    assert "<button" not in page


def test_who_may_not_add_deployments_adds_none_past_the_page(staff: Staff, acme: Provider):
    editor = staff("view_provider", "change_provider", "view_deployment", "change_deployment")
    assert models(editor, acme, "gpt-1").status_code == 403
    assert not acme.deployments.exists()
    assert not ConfigVersion.objects.exists()


def test_who_may_add_deployments_adds_them_without_seeing_credentials(
    staff: Staff, acme: Provider, vendor: Vendor
):
    vendor.offer("gpt-1")
    editor = staff("view_provider", "change_provider", "add_deployment")
    assert 'value="gpt-1"' in text(models(editor, acme))
    assert models(editor, acme, "gpt-1").status_code == 302
    assert acme.deployments.get().model == "gpt-1"


SEEN_WITH = {
    "view_rule": ["Every request is refused"],
    "view_configversion": ["1 of 1 workers"],
    "view_provider": ["has no credential that is on", "has no deployments"],
    "view_deployment": ["nobody-sells-this at openai"],
    "view_clientkey": ["expires within 7 days"],
}
"""What needs attention on the home page, by the permission that shows it."""


@pytest.fixture
def trouble(openai: Provider) -> None:
    """One of each thing that needs a look."""
    Provider.objects.create(name="lonely", adapter="openai")
    Deployment.objects.create(provider=openai, model="nobody-sells-this")
    issue_key("soon", expires_at=timezone.now() + timedelta(days=1))
    Worker.objects.create(id=uuid.uuid4(), host="here", pid=1, heartbeat_at=timezone.now())
    make_rollup()


@pytest.mark.parametrize("may", SEEN_WITH)
def test_what_needs_attention_is_told_to_who_may_see_it(staff: Staff, trouble: None, may: str):
    page = text(staff("view_usagerecord", may).get(HOME))
    shown = [name for name, facts in SEEN_WITH.items() for fact in facts if fact in page]
    assert shown == [may] * len(SEEN_WITH[may])


def test_who_may_see_none_of_it_is_not_told_that_all_is_well(staff: Staff, trouble: None):
    page = text(staff("view_usagerecord").get(HOME))
    assert "Nothing of what you may see." in page
    assert "Every provider that is on can serve" not in page


MEMBER = {
    "memberships-0-user": "",
    "memberships-0-role": Membership.Role.MEMBER,
    "memberships-TOTAL_FORMS": "1",
    "memberships-INITIAL_FORMS": "0",
}


def join(client: Client, team: Team, user: User):
    path = f"/admin/patchbay_usage/team/{team.pk}/change/"
    return submit(client, path, "team", **MEMBER | {"memberships-0-user": str(user.pk)})


def test_a_member_is_added_with_a_role_and_taken_away_again(
    admin: Client, operator: User, team: Team
):
    assert join(admin, team, operator).status_code == 302
    member = Membership.objects.get()
    assert (member.team, member.user, member.role) == (team, operator, Membership.Role.MEMBER)
    path = f"/admin/patchbay_usage/team/{team.pk}/change/"
    assert submit(admin, path, "team", **{"memberships-0-DELETE": "on"}).status_code == 302
    assert not Membership.objects.exists()


def test_nobody_is_a_member_of_a_team_twice(admin: Client, operator: User, team: Team):
    Membership.objects.create(team=team, user=operator)
    again = {"memberships-1-user": str(operator.pk), "memberships-TOTAL_FORMS": "2"}
    path = f"/admin/patchbay_usage/team/{team.pk}/change/"
    answer = submit(admin, path, "team", **again, **{"memberships-1-role": "member"})
    assert answer.status_code == 200
    assert Membership.objects.count() == 1


def test_who_may_change_teams_alone_sees_no_members_and_adds_none(
    staff: Staff, operator: User, team: Team
):
    Membership.objects.create(team=team, user=operator)
    editor = staff("view_team", "change_team")
    page = text(editor.get(f"/admin/patchbay_usage/team/{team.pk}/change/"))
    assert "memberships-0" not in page
    assert operator.username not in page
    assert join(editor, team, User.objects.get(username="sam")).status_code == 302
    assert Membership.objects.count() == 1


def test_who_may_only_look_at_members_changes_none(staff: Staff, operator: User, team: Team):
    Membership.objects.create(team=team, user=operator)
    viewer = staff("view_team", "change_team", "view_membership")
    path = f"/admin/patchbay_usage/team/{team.pk}/change/"
    assert operator.username in text(viewer.get(path))
    submit(viewer, path, "team", **{"memberships-0-role": "manager", "memberships-0-DELETE": "on"})
    assert Membership.objects.get().role == Membership.Role.MEMBER
