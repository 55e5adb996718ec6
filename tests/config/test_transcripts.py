"""What a file says of transcripts: how it is written, what it makes, and how soon it is served."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from routing.apply import Applied, apply
from routing.differences import differences
from routing.models import Rule
from routing.publish import newest
from routing.refresh import Refresher, Update
from routing.rows import live_part, published_part
from routing.yaml_text import parse, write
from tests.config.files import rule, rules, whole
from usage.keys import make_key
from usage.models import ClientKey, Team
from usage.transcripts.policy import EVERY_KIND, Override

NOTHING = Applied([], [], [], [], None)


def said(row: Rule | Team | ClientKey) -> tuple[str, Decimal | None, str]:
    row.refresh_from_db()
    return row.transcripts, row.transcript_share, row.redaction


@pytest.mark.django_db
def test_a_rule_a_team_and_a_key_say_each_for_itself():
    apply(whole())
    assert said(Rule.objects.get(name="default")) == ("full", Decimal("12.5"), "none")
    assert said(Team.objects.get()) == ("", None, "EMAIL,PHONE")
    assert said(ClientKey.objects.get()) == ("off", Decimal(0), "")
    assert said(Rule.objects.get(name="off")) == ("", None, "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("transcripts: off", ("off", None, "")),
        ('transcripts: "off"', ("off", None, "")),
        ("transcripts:", ("", None, "")),
        ("transcript_share: 0.25", ("", Decimal("0.25"), "")),
        ("transcript_share: 100", ("", Decimal(100), "")),
        ("redaction: none", ("", None, "none")),
        ("redaction: All", ("", None, "all")),
        ("redaction: phone, EMAIL", ("", None, "EMAIL,PHONE")),
        ("redaction: [PHONE, email, PHONE]", ("", None, "EMAIL,PHONE")),
    ],
)
def test_it_is_understood_as_people_write_it_and_exported_in_one_spelling(written, kept):
    document = parse(f"teams:\n- name: t\n  {written}\n")
    apply(document)
    assert said(Team.objects.get()) == kept
    exported = parse(write(published_part() | live_part()))
    assert apply(document) == NOTHING
    assert apply(exported) == NOTHING
    assert said(Team.objects.get()) == kept


@pytest.mark.django_db
def test_an_absent_member_is_as_set_above_it_again():
    apply(whole())
    document = whole()
    del document["teams"][0]["redaction"]
    del document["client_keys"][0]["transcript_share"]
    assert apply(document).changed == ["team research", "client key ci"]
    assert said(Team.objects.get()) == ("", None, "")
    assert said(ClientKey.objects.get()) == ("off", None, "")


@pytest.mark.django_db
def test_a_version_shows_what_changed_in_the_words_of_the_pages():
    apply(rules(rule("r")))
    before = newest()
    apply(rules(rule("r", transcripts="full", transcript_share=10, redaction="none")))
    after = newest()
    assert before is not None
    assert after is not None
    [changed] = differences(before.document, after.document)
    assert [(line.path, line.before, line.after) for line in changed.lines] == [
        ("transcripts", "", "full"),
        ("share kept", "", "10"),
        ("personal data hidden", "", "none"),
    ]


KEY = {"name": "ci", "team": "research", "secret": make_key()}


@pytest.fixture
def refresher(database: Path, tmp_path: Path) -> Refresher:
    """A worker's look at the database, which has one key of a team and one rule."""
    apply(rules(rule("r")) | {"teams": [{"name": "research"}], "client_keys": [KEY]})
    refresher = Refresher(tmp_path / "configuration.json")
    update = polled(refresher)
    assert own_and_team(update) == (None, None)
    assert update.snapshot is not None
    [route] = update.snapshot.table.routes
    assert route.transcripts is None
    return refresher


def polled(refresher: Refresher) -> Update:
    update = refresher.poll()
    assert update is not None
    return update


def own_and_team(update: Update) -> tuple[Override | None, Override | None]:
    assert update.changes is not None
    [(_, caller)] = update.changes.callers
    return caller.transcripts, caller.team_transcripts


def test_what_a_key_says_is_loaded_with_it_and_its_team_s_beside(refresher: Refresher):
    apply({"client_keys": [{**KEY, "transcripts": "full", "redaction": "none"}]})
    assert own_and_team(polled(refresher)) == (Override("full", None, frozenset()), None)


def test_a_team_s_change_reaches_its_keys_with_the_next_look(refresher: Refresher):
    team = Team.objects.get()
    team.transcripts, team.transcript_share = "metadata", Decimal("12.5")
    team.save()
    assert own_and_team(polled(refresher)) == (None, Override("metadata", 0.125, None))
    assert refresher.poll() is None


def test_a_rule_s_change_reaches_its_route_with_the_next_look(refresher: Refresher):
    apply(rules(rule("r", transcript_share=50, redaction="all")))
    update = polled(refresher)
    assert update.changes is None
    assert update.snapshot is not None
    [route] = update.snapshot.table.routes
    assert route.transcripts == Override("", 0.5, EVERY_KIND)


def test_a_row_that_cannot_be_read_keeps_nothing_hides_everything_and_stops_nobody(
    refresher: Refresher,
):
    """A later version's words, say, after a step back to this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE patchbay_usage_team SET transcripts = 'summary', redaction = 'EMAIL;FACES'"
        )
    ClientKey.objects.get().save()
    assert own_and_team(polled(refresher)) == (None, Override("off", None, EVERY_KIND))
