"""Redaction patterns in the file: what they make, what is refused and where, and how they come out."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from providers.problems import DocumentInvalid
from providers.secrets import open_secret
from routing.apply import Applied, apply
from routing.compile import compile_document
from routing.differences import differences
from routing.publish import newest
from routing.rows import published_part
from routing.yaml_text import parse
from tests.config.files import rule, rules
from usage.models import ClientKey, RedactionPattern, Team
from usage.transcripts.policy import MOST_PATTERNS

EMPLOYEE = {"name": "EMPLOYEE_ID", "pattern": r"\bEMP-\d{4,8}\b", "note": "of the staff list"}
ROOM = {"name": "ROOM", "pattern": r"(?i)\broom [a-z]\d\b"}
NOTHING = Applied([], [], [], [], None)

pytestmark = pytest.mark.django_db


def patterns(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return rules(rule("r")) | {"redaction_patterns": list(entries)} | more


def problems(document: dict[str, Any], **how: Any) -> list[str]:
    with pytest.raises(DocumentInvalid) as refused:
        apply(document, **how)
    return [str(problem) for problem in refused.value.problems]


def test_they_are_rows_and_published_and_exported_as_they_were_written():
    document = patterns(EMPLOYEE, ROOM)
    assert "redaction pattern EMPLOYEE_ID" in apply(document).created
    assert RedactionPattern.objects.get(name="EMPLOYEE_ID").note == "of the staff list"
    version = newest()
    assert version is not None
    assert version.document["redaction_patterns"] == [EMPLOYEE, ROOM]
    out = StringIO()
    call_command("export_config", stdout=out)
    exported = parse(out.getvalue())
    assert exported["redaction_patterns"] == [EMPLOYEE, ROOM]
    assert apply(exported) == NOTHING


def test_where_there_are_none_the_published_document_is_as_it_always_was():
    apply(rules(rule("r")))
    assert published_part().keys() == {"providers", "rules"}


def test_every_route_carries_them_and_those_that_are_alike_are_equal():
    apply(patterns(ROOM, EMPLOYEE))
    version = newest()
    assert version is not None
    first, second = (compile_document(version.document, open_secret) for _ in range(2))
    [route] = first.table.routes
    assert route.patterns == (
        ("EMPLOYEE_ID", EMPLOYEE["pattern"]),
        ("ROOM", ROOM["pattern"]),
    )
    assert route.patterns == second.table.routes[0].patterns


def test_a_rule_a_team_and_a_key_may_name_them():
    document = patterns(EMPLOYEE) | {
        "rules": [rule("r", redaction="employee_id, EMAIL")],
        "teams": [{"name": "t", "redaction": ["EMPLOYEE_ID"]}],
        "client_keys": [{"name": "k", "redaction": "EMPLOYEE_ID"}],
    }
    apply(document)
    assert Team.objects.get().redaction == ClientKey.objects.get().redaction == "EMPLOYEE_ID"
    assert published_part()["rules"][0]["redaction"] == "EMAIL,EMPLOYEE_ID"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"name": "employee"}, "redaction_patterns[0].name: 'employee' cannot be the name of"),
        ({"name": "EMAIL"}, "redaction_patterns[0].name: EMAIL is the name of something built in"),
        (
            {"pattern": "EMP-[0-9]+"},
            "redaction_patterns[0].pattern: The pattern EMPLOYEE_ID has no upper",
        ),
        (
            {"pattern": "[0-9]?"},
            "redaction_patterns[0].pattern: The pattern EMPLOYEE_ID can match 0",
        ),
        (
            {"pattern": "EMP-("},
            "redaction_patterns[0].pattern: The pattern EMPLOYEE_ID is no regular",
        ),
        ({"pattern": None}, "redaction_patterns[0].pattern: This member is missing."),
        ({"flags": "i"}, "redaction_patterns[0].flags: There is no member 'flags' here"),
        ({"note": "n" * 201}, "redaction_patterns[0].note: This has at most 200 characters."),
    ],
)
def test_a_mistake_is_named_with_its_place(entry: dict[str, Any], said: str):
    [problem] = problems(patterns(EMPLOYEE | entry))
    assert problem.startswith(said)


def test_a_name_that_nothing_has_is_refused_where_it_stands():
    document = patterns(EMPLOYEE) | {
        "rules": [rule("r", redaction="EMPLOYEE")],
        "teams": [{"name": "t", "redaction": "EMAIL,MAIL"}],
        "client_keys": [{"name": "k", "redaction": "EMPLOYEE_ID"}],
    }
    team, of_rule = problems(document)
    assert team.startswith("teams[0].redaction: There is no kind and no redaction pattern MAIL.")
    assert of_rule.startswith(
        "rules[0].redaction: There is no kind and no redaction pattern EMPLOYEE."
    )
    assert "PEOPLE, EMPLOYEE_ID, by commas." in of_rule


def test_a_pattern_that_is_refused_is_not_offered():
    """It is named once, where it stands; who names it makes no mistake, and nobody is told to."""
    document = patterns(EMPLOYEE | {"pattern": "("}, EMPLOYEE | {"name": "EMAIL"}, ROOM) | {
        "rules": [rule("r", redaction="EMPLOYEE_ID"), rule("s", redaction="MAIL")],
    }
    first, second, of_rule = problems(document)
    assert first.startswith("redaction_patterns[0].pattern:")
    assert second.startswith("redaction_patterns[1].name:")
    assert of_rule.startswith("rules[1].redaction: There is no kind and no redaction pattern MAIL.")
    assert of_rule.endswith(
        "some of EMAIL, PHONE, CARD, IBAN, NATIONAL_ID, IP, PEOPLE, ROOM, by commas."
    )


def test_two_of_one_name_are_refused():
    assert problems(patterns(EMPLOYEE, EMPLOYEE)) == [
        "redaction_patterns[1].name: 'EMPLOYEE_ID' is named twice."
    ]


def test_there_may_be_so_many_and_no_more():
    many = [{"name": f"P{number}", "pattern": "abc"} for number in range(MOST_PATTERNS)]
    apply(patterns(*many))
    [problem] = problems(patterns(EMPLOYEE))
    assert f"There are {MOST_PATTERNS + 1} redaction patterns." in problem


def test_pruning_removes_what_the_file_no_longer_has():
    apply(patterns(EMPLOYEE, ROOM))
    assert apply(patterns(ROOM), prune=True).pruned == ["redaction pattern EMPLOYEE_ID"]


def test_but_not_what_a_key_of_the_admin_names():
    apply(patterns(EMPLOYEE))
    apply({"client_keys": [{"name": "k", "redaction": "EMPLOYEE_ID"}]}, from_file=False)
    [problem] = problems(patterns(), prune=True)
    assert "EMPLOYEE_ID is to be hidden by the client key k. Take it out there first." in problem
    assert RedactionPattern.objects.exists()


def test_a_version_shows_what_changed():
    apply(patterns(EMPLOYEE))
    before = newest()
    apply(patterns(EMPLOYEE | {"pattern": "EMP-[0-9]{9}"}))
    after = newest()
    assert before is not None
    assert after is not None
    [changed] = differences(before.document, after.document)
    assert (changed.kind, changed.noun, changed.name) == (
        "Changed",
        "Redaction pattern",
        "EMPLOYEE_ID",
    )
    assert [line.path for line in changed.lines] == ["pattern"]
