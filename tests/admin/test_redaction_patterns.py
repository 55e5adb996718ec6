"""Redaction patterns in the admin: tried before they are saved, refused in a sentence, kept while named."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from proxyproject.search import find
from routing.models import ConfigVersion, Rule
from routing.publish import newest
from tests.admin.pages import errors, submit, text
from usage.models import RedactionPattern, Team

LIST = "/admin/patchbay_usage/redactionpattern/"
EMPLOYEE = {"name": "EMPLOYEE_ID", "pattern": r"\bEMP-\d{4,8}\b"}


@pytest.fixture
def pattern(admin: Client) -> RedactionPattern:
    assert submit(admin, f"{LIST}add/", "redactionpattern", **EMPLOYEE).status_code == 302
    return RedactionPattern.objects.get()


def change(pattern: RedactionPattern) -> str:
    return f"{LIST}{pattern.pk}/change/"


def tried(client: Client, sample: str, **fields: str) -> str:
    sent = {**EMPLOYEE, "sample": sample, **fields}
    return text(client.post(f"{LIST}try/", sent, headers={"hx-request": "true"}))


def test_a_pattern_is_published_when_it_is_saved(pattern: RedactionPattern):
    version = newest()
    assert version is not None
    assert version.document["redaction_patterns"] == [EMPLOYEE]
    assert version.note == "Added redaction pattern EMPLOYEE_ID"
    assert LogEntry.objects.get_for_object(pattern).count() == 1


def test_the_list_says_what_it_is_for_before_there_is_one(admin: Client):
    page = text(admin.get(LIST))
    assert "No redaction patterns yet." in page
    assert "Add a redaction pattern" in page


def test_the_list_shows_what_is_found_as_what_and_who_names_it(
    admin: Client, pattern: RedactionPattern, team: Team
):
    team.redaction = "EMPLOYEE_ID"
    team.save()
    page = text(admin.get(LIST))
    for words in ("&lt;EMPLOYEE_ID_1&gt;", r"\bEMP-\d{4,8}\b", "team Research"):
        assert words in page


def test_none_is_written_in_one_way(admin: Client, pattern: RedactionPattern):
    """No note, which Django writes, and nobody who names it, which we do."""
    page = text(admin.get(LIST))
    assert [
        re.sub(r"<[^>]+>", "", cell).strip()
        for cell in re.findall(r"<td [^>]*field-(?:note|named_by).*?</td>", page, flags=re.DOTALL)
    ] == ["–", "–"]


def test_the_form_says_what_a_name_becomes_as_text_and_not_as_markup(admin: Client):
    page = text(admin.get(f"{LIST}add/"))
    assert "is kept as &lt;EMPLOYEE_ID_1&gt;." in page
    assert "<EMPLOYEE_ID_1>" not in page


def test_a_name_is_written_large_and_a_blank_of_a_pattern_stays(admin: Client):
    submit(admin, f"{LIST}add/", "redactionpattern", name=" room ", pattern=" room [a-z]")
    row = RedactionPattern.objects.get()
    assert (row.name, row.pattern) == ("ROOM", " room [a-z]")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "EMAIL", "EMAIL is the name of something built in."),
        ("name", "EMPLOYEE-ID", "cannot be the name of a pattern"),
        ("pattern", r"EMP-\d+", "The pattern EMPLOYEE_ID has no upper bound"),
        ("pattern", "a?", "It must match at least 2."),
        ("pattern", "(a{1,9}){1,9}b", "which can take very long"),
        ("pattern", "[", "is no regular expression"),
    ],
)
def test_what_cannot_be_taken_is_said_at_its_field(
    admin: Client, field: str, value: str, sentence: str
):
    answer = submit(admin, f"{LIST}add/", "redactionpattern", **{**EMPLOYEE, field: value})
    found = errors(answer)
    assert found.keys() == {field}
    assert sentence in found[field][0]
    assert not RedactionPattern.objects.exists()
    assert newest() is None


def test_one_too_many_is_said_on_the_form(admin: Client):
    for number in range(50):
        RedactionPattern.objects.create(name=f"P{number}", pattern="abc")
    found = errors(submit(admin, f"{LIST}add/", "redactionpattern", **EMPLOYEE))
    assert "At most 50 are allowed" in found["__all__"][0]


def test_it_can_be_tried_before_it_is_saved(admin: Client):
    entries = LogEntry.objects.count()
    said = tried(admin, "I am EMP-12345, ada@example.com, and not EMP-99999 but EMP-12345.")
    assert (
        "I am &lt;EMPLOYEE_ID_1&gt;, &lt;EMAIL_1&gt;, and not &lt;EMPLOYEE_ID_2&gt; "
        "but &lt;EMPLOYEE_ID_1&gt;." in said
    )
    assert "EMPLOYEE_ID hides 3 places in this text." in said
    assert not RedactionPattern.objects.exists()
    assert LogEntry.objects.count() == entries


@pytest.mark.parametrize(
    ("sample", "fields", "sentence"),
    [
        ("I am Ada.", {}, "EMPLOYEE_ID finds nothing in this text."),
        ("EMP-1234", {"pattern": "EMP.*"}, "The pattern EMPLOYEE_ID has no upper bound"),
        ("EMP-1234", {"name": "CARD"}, "CARD is the name of something built in."),
        ("EMP-1234", {"name": ""}, "&lt;PATTERN_1&gt;"),
        ("EMP-1234", {"pattern": ""}, "Write a pattern first."),
        ("", {}, "Write a text"),
        ("x" * 10_001, {}, "At most 10,000 characters"),
        ("<script>EMP-1234", {}, "&lt;script&gt;&lt;EMPLOYEE_ID_1&gt;"),
    ],
)
def test_trying_says_what_is_wrong(
    admin: Client, sample: str, fields: dict[str, str], sentence: str
):
    assert sentence in tried(admin, sample, **fields)


def test_without_scripts_trying_is_a_page_of_its_own(admin: Client):
    page = text(admin.post(f"{LIST}try/", {**EMPLOYEE, "sample": "EMP-1234"}))
    assert "&lt;EMPLOYEE_ID_1&gt;" in page
    assert "Back to redaction patterns" in page
    assert admin.get(f"{LIST}try/").status_code == 405


def test_trying_sends_what_the_form_has_and_saving_sends_the_text_along(admin: Client):
    """The text belongs to the form of the pattern, so that it is there again where saving is refused."""
    page = text(admin.get(f"{LIST}add/"))
    assert re.search(r'<textarea [^>]*name="sample"[^>]*form="redactionpattern_form"', page)
    assert re.search(
        rf'<button [^>]*form="redactionpattern_form"[^>]*formaction="{LIST}try/"', page
    )
    sent = {**EMPLOYEE, "name": "EMAIL", "sample": "I am EMP-1234 <b>."}
    refused = submit(admin, f"{LIST}add/", "redactionpattern", **sent)
    assert errors(refused).keys() == {"name"}
    assert ">\nI am EMP-1234 &lt;b&gt;.</textarea>" in text(refused)


def test_only_those_who_may_change_patterns_may_try_them(staff: Callable[..., Client]):
    client = staff("view_redactionpattern")
    assert client.post(f"{LIST}try/", {**EMPLOYEE, "sample": "EMP-1234"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403


def test_a_rule_and_a_team_may_name_it_and_nothing_that_is_not_there(
    admin: Client, pattern: RedactionPattern, rule: Rule, team: Team
):
    for form, row, app in (("rule", rule, "routing"), ("team", team, "usage")):
        path = f"/admin/patchbay_{app}/{form}/{row.pk}/change/"
        assert submit(admin, path, form, redaction="employee_id,EMAIL").status_code == 302
        row.refresh_from_db()
        assert row.redaction == "EMAIL,EMPLOYEE_ID"
        [said] = errors(submit(admin, path, form, redaction="EMPLOYEES"))["redaction"]
        assert said.startswith("There is no kind and no redaction pattern EMPLOYEES.")
        assert "EMPLOYEE_ID" in said


def test_what_is_named_is_neither_deleted_nor_renamed(
    admin: Client, pattern: RedactionPattern, rule: Rule, team: Team
):
    for row in (rule, team):
        row.redaction = "EMPLOYEE_ID"
        row.save()
    page = admin.post(f"{LIST}{pattern.pk}/delete/", {"post": "yes"})
    assert "Rule “GPT”, which hides EMPLOYEE_ID" in text(page)
    assert "Team “Research”, which hides EMPLOYEE_ID" in text(page)
    [said] = errors(submit(admin, change(pattern), "redactionpattern", name="STAFF"))["name"]
    assert said.startswith("EMPLOYEE_ID is to be hidden by the rule GPT, the team Research.")
    pattern.refresh_from_db()
    assert pattern.name == "EMPLOYEE_ID"


def test_a_longer_name_does_not_keep_a_shorter_one(admin: Client, pattern: RedactionPattern):
    Team.objects.create(name="t", redaction="EMPLOYEE_ID_OLD")
    assert submit(admin, change(pattern), "redactionpattern", name="STAFF").status_code == 302
    versions = ConfigVersion.objects.count()
    assert admin.post(f"{LIST}{pattern.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not RedactionPattern.objects.exists()
    assert ConfigVersion.objects.count() == versions + 1


@pytest.mark.parametrize("term", ["employee", "staff list"])
def test_it_is_found_by_name_and_note(operator: User, pattern: RedactionPattern, term: str):
    RedactionPattern.objects.update(note="of the staff list")
    request = RequestFactory().get("/")
    request.user = operator
    [entry] = find(request, term)
    assert (entry.title, entry.link) == ("EMPLOYEE_ID", change(pattern))
