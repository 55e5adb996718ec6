"""What is kept of what was said, as people choose it: on a rule, a team and a key, in the same words."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from auditlog.models import LogEntry
from django.test import Client

from routing.models import ConfigVersion, Rule
from routing.publish import newest
from tests.admin.pages import errors, submit, text
from usage.issue import issue_key
from usage.models import ClientKey, Team
from usage.transcripts.policy import KINDS

Place = tuple[str, str, Rule | Team | ClientKey]
CHOSEN = {"transcripts": "full", "transcript_share": "12.5", "redaction": "phone, email"}


@pytest.fixture(params=["rule", "team", "clientkey"])
def place(request: pytest.FixtureRequest) -> Place:
    """(address of the form, its name, the row) of one of the three."""
    row: Rule | Team | ClientKey
    if request.param == "rule":
        row, app = request.getfixturevalue("rule"), "routing"
    elif request.param == "team":
        row, app = request.getfixturevalue("team"), "usage"
    else:
        request.getfixturevalue("db")
        row, app = issue_key("ci")[0], "usage"
    return f"/admin/patchbay_{app}/{request.param}/{row.pk}/change/", request.param, row


def said(row: Rule | Team | ClientKey) -> tuple[str, Decimal | None, str]:
    row.refresh_from_db()
    return row.transcripts, row.transcript_share, row.redaction


def test_what_is_chosen_is_kept_on_the_row_and_in_the_audit_log(admin: Client, place: Place):
    path, form, row = place
    assert submit(admin, path, form, **CHOSEN).status_code == 302
    assert said(row) == ("full", Decimal("12.5"), "EMAIL,PHONE")
    entry = LogEntry.objects.get_for_object(row).first()
    assert entry is not None
    assert entry.actor is not None
    assert entry.actor.get_username() == "olga"
    assert {"transcripts", "transcript_share", "redaction"} <= entry.changes.keys()
    assert entry.changes["transcripts"] == ["", "full"]


def test_a_form_that_is_saved_as_it_stands_changes_nothing(admin: Client, place: Place):
    path, form, row = place
    submit(admin, path, form, **CHOSEN)
    entries, versions = LogEntry.objects.count(), ConfigVersion.objects.count()
    assert submit(admin, path, form).status_code == 302
    assert said(row) == ("full", Decimal("12.5"), "EMAIL,PHONE")
    assert (LogEntry.objects.count(), ConfigVersion.objects.count()) == (entries, versions)


def test_what_is_emptied_is_as_set_above_it_again(admin: Client, place: Place):
    path, form, row = place
    submit(admin, path, form, **CHOSEN)
    submit(admin, path, form, transcripts="", transcript_share="", redaction="")
    assert said(row) == ("", None, "")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("transcripts", "some", "valid choice"),
        ("transcript_share", "100.5", "less than or equal to 100"),
        ("transcript_share", "-1", "greater than or equal to 0"),
        ("transcript_share", "many", "Enter a number"),
        ("redaction", "MAIL", "all, none, or some of EMAIL, PHONE"),
        ("redaction", "all, EMAIL", "all, none, or some of EMAIL, PHONE"),
    ],
)
def test_a_mistake_is_shown_at_its_field_and_nothing_is_saved(
    admin: Client, place: Place, field: str, value: str, sentence: str
):
    path, form, row = place
    found = errors(submit(admin, path, form, **{field: value}))
    assert found.keys() == {field}
    assert sentence in " ".join(found[field])
    assert said(row) == ("", None, "")


def test_the_three_stand_together_in_words_that_say_what_they_mean(admin: Client, place: Place):
    page = text(admin.get(place[0]))
    assert "What is kept of what was said" in page
    for words in ("As set above it", "Nothing", "no texts", "The whole conversation", *KINDS):
        assert words in page
    for words in ("Share kept", "Personal data hidden", "Secrets are always hidden"):
        assert words in page
    assert "Transcript share" not in page


def test_a_new_key_is_issued_with_them_and_its_page_says_so(admin: Client):
    path = "/admin/patchbay_usage/clientkey/add/"
    page = text(submit(admin, path, "clientkey", name="ci", **CHOSEN))
    assert said(ClientKey.objects.get()) == ("full", Decimal("12.5"), "EMAIL,PHONE")
    assert "<dt>Transcripts</dt><dd>the whole conversation</dd>" in page


def test_a_new_team_is_made_with_them(admin: Client):
    submit(admin, "/admin/patchbay_usage/team/add/", "team", name="Research", **CHOSEN)
    assert said(Team.objects.get()) == ("full", Decimal("12.5"), "EMAIL,PHONE")


def test_a_rule_is_published_with_them_at_once(admin: Client, rule: Rule):
    submit(admin, f"/admin/patchbay_routing/rule/{rule.pk}/change/", "rule", **CHOSEN)
    version = newest()
    assert version is not None
    [published] = version.document["rules"]
    wanted = {"transcripts": "full", "transcript_share": "12.5", "redaction": "EMAIL,PHONE"}
    assert published.items() >= wanted.items()
    page = text(admin.get(f"/admin/patchbay_routing/configversion/{version.pk}/change/"))
    assert "personal data hidden" in page
    assert "transcript_share" not in page


def test_a_team_s_choice_is_numbered_for_the_workers_with_its_keys(admin: Client, team: Team):
    key, _ = issue_key("ci", team=team)
    path = f"/admin/patchbay_usage/team/{team.pk}/change/"
    submit(admin, path, "team", transcripts="metadata")
    before = key.change
    key.refresh_from_db()
    assert key.change > before


def test_who_may_only_look_at_a_team_changes_none_of_it(staff: Callable[..., Client], team: Team):
    path = f"/admin/patchbay_usage/team/{team.pk}/change/"
    reader = staff("view_team")
    assert "What is kept of what was said" in text(reader.get(path))
    assert reader.post(path, {"name": team.name, "transcripts": "full"}).status_code == 403
    assert said(team) == ("", None, "")
