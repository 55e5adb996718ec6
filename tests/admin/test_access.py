"""Who sees what, and what every page has in common."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin as registry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from providers.models import Provider
from proxyproject.search import find
from routing.models import Rule
from routing.publish import newest
from tests.admin.pages import Answer, text
from tests.admin.test_records import make_record
from usage.issue import issue_key
from usage.models import ClientKey, Quota, Team

ROOT = Path(__file__).resolve().parents[2]


def lists() -> Iterator[str]:
    for model in registry.site._registry:
        yield f"admin:{model._meta.app_label}_{model._meta.model_name}"


@pytest.fixture
def world(openai: Provider, rule: Rule, team: Team) -> None:
    """One of everything."""
    key, _ = issue_key("ci", team=team)
    Quota.objects.create(client_key=key, metric="cost", window="month", amount=25)
    make_record()


def pages(admin: Client) -> Iterator[tuple[str, Answer]]:
    """Every list, the form of its first row, and the form to add one."""
    for name in lists():
        listed = admin.get(reverse(f"{name}_changelist"))
        yield name, listed
        if "cl" not in listed.context:  # a page of its own, where Django would show a list
            continue
        for row in listed.context["cl"].result_list[:1]:
            yield f"{name} {row}", admin.get(reverse(f"{name}_change", args=[row.pk]))
        added = admin.get(reverse(f"{name}_add"))
        if added.status_code != 403:
            yield f"{name} add", added


def test_every_page_opens_and_no_heading_shows_a_class_name_or_an_id(admin: Client, world: None):
    seen = 0
    for name, answer in pages(admin):
        assert answer.status_code == 200, name
        heading = re.search(r"<h1.*?</h1>", text(answer), re.DOTALL)
        assert heading is not None
        words = re.sub(r"<[^>]+>|chevron_right|dock_to_right", " ", heading[0])
        assert "object (" not in words, name
        assert "_" not in words, name
        seen += 1
    assert seen > 25


def test_nothing_is_loaded_from_elsewhere(admin: Client, world: None):
    for path in ("/admin/", reverse("admin:patchbay_routing_rule_changelist"), "/admin/login/"):
        page = text(admin.get(path))
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def test_a_stranger_is_sent_to_the_login(client: Client, db: None):
    for name in lists():
        answer = client.get(reverse(f"{name}_changelist"))
        assert answer.status_code == 302
        assert "/admin/login/" in answer["location"]


@pytest.fixture
def reader(db: None) -> Client:
    """Somebody who may look at rules, and at nothing else."""
    user = User.objects.create(username="rita", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_rule"))
    client = Client()
    client.force_login(user)
    return client


def test_a_reader_sees_what_she_may_and_can_change_nothing(reader: Client, rule: Rule):
    path = reverse("admin:patchbay_routing_rule_change", args=[rule.pk])
    assert "_save" not in text(reader.get(path))
    reader.post(path, {"name": "Mine", "_save": "Save"})
    rule.refresh_from_db()
    assert rule.name == "GPT"
    provider = Provider.objects.get()
    for page in ("test", "models"):
        path = reverse(f"admin:patchbay_providers_provider_{page}", args=[provider.pk])
        assert reader.post(path).status_code == 403


def test_a_reader_cannot_rotate_or_revoke(reader: Client, db: None):
    key, _ = issue_key("ci")
    before = key.digest
    for page in ("rotate", "revoke"):
        path = f"/admin/patchbay_usage/clientkey/{key.pk}/{page}/"
        assert reader.post(path, {"name": "ci"}).status_code == 403
    key.refresh_from_db()
    assert key.digest == before
    assert key.revoked_at is None


def test_a_reader_without_the_right_sees_no_figures_on_the_home_page(reader: Client):
    page = text(reader.get("/admin/"))
    assert "You may not see the traffic." in page
    assert "Client keys" not in page


def test_no_address_changes_anything_when_it_is_only_opened(admin: Client, world: None):
    """Links are followed by browsers and by strangers' pages; only a sent form may act."""
    key = ClientKey.objects.get()
    before = ClientKey.objects.values().get()
    for page in ("rotate", "revoke", "delete"):
        admin.get(f"/admin/patchbay_usage/clientkey/{key.pk}/{page}/")
    assert ClientKey.objects.values().get() == before


def test_the_palette_finds_things_by_name_and_records_by_id(rf: Any, operator: User, world: None):
    request = rf.get("/")
    request.user = operator
    record = make_record()
    assert [result.title for result in find(request, "gpt")] == ["GPT", "gpt-4.1 at openai"]
    assert [result.title for result in find(request, str(record.pk))] == [str(record)]
    request.user = User.objects.create(username="nobody")
    assert find(request, "gpt") == []


def test_times_are_shown_in_the_viewer_s_zone(admin: Client, openai: Provider):
    admin.cookies["pb_zone"] = "Asia%2FTokyo"
    assert " JST" in text(admin.get("/admin/patchbay_routing/configversion/"))
    admin.cookies["pb_zone"] = "Nowhere%2FLand"
    assert " UTC" in text(admin.get("/admin/patchbay_routing/configversion/"))


def test_a_version_shows_what_changed_since_the_one_before(admin: Client, rule: Rule):
    version = newest()
    assert version is not None
    page = text(admin.get(f"/admin/patchbay_routing/configversion/{version.number}/change/"))
    assert "Rule" in page
    assert "openai · gpt-4.1 · tier 1" in page
    assert "Provider <strong" not in page


def test_styles_name_no_class_that_no_template_uses():
    """A style that nothing wears is dead; a class that nothing styles is a typing error."""
    styled = set(re.findall(r"\.(pb-[a-z0-9-]+)", (ROOT / STYLES).read_text()))
    worn: set[str] = set()
    for path in [*(ROOT / "templates").rglob("*.html"), ROOT / SCRIPTS]:
        worn |= set(re.findall(r"pb-[a-z0-9-]+", path.read_text()))
    assert {name for name in styled - worn if not name.startswith(BUILT)} == set()


STYLES = "proxyproject/static/patchbay/patchbay.css"
SCRIPTS = "proxyproject/static/patchbay/charts.js"
BUILT = ("pb-tag-", "pb-note-", "pb-good-", "pb-careful-", "pb-bad-")
