"""What is kept of an Exchange: who may say so, who is heard first, and how a share is drawn."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from usage.transcripts.policy import (
    EVERY_KIND,
    KINDS,
    Override,
    Policy,
    decide,
    hidden,
    keeps,
    override,
    redaction_kinds,
    redaction_text,
)

DEFAULT = Policy("off", 1.0, EVERY_KIND)
MAIL = frozenset({"EMAIL"})
NONE: frozenset[str] = frozenset()


def says(level: str = "", share: float | None = None, hidden=None) -> Override:
    return Override(level, share, hidden)


CASES = [
    # (key, team, rule) and what comes of it where the default is off, all and everything hidden
    ("nobody says anything", (None, None, None), DEFAULT),
    ("the rule alone", (None, None, says("full")), ("full", 1.0, EVERY_KIND)),
    ("the team alone", (None, says("full"), None), ("full", 1.0, EVERY_KIND)),
    ("the key alone", (says("full"), None, None), ("full", 1.0, EVERY_KIND)),
    ("team before rule", (None, says("off"), says("full")), ("off", 1.0, EVERY_KIND)),
    ("key before team", (says("metadata"), says("off"), None), ("metadata", 1.0, EVERY_KIND)),
    ("key before rule", (says("off"), None, says("full")), ("off", 1.0, EVERY_KIND)),
    ("key before both", (says("off"), says("full"), says("full")), ("off", 1.0, EVERY_KIND)),
    (
        "a share of none is a share",
        (says(share=0.0), None, says("full")),
        ("full", 0.0, EVERY_KIND),
    ),
    (
        "hiding nothing is said, too",
        (None, says(hidden=NONE), says("full", hidden=MAIL)),
        ("full", 1.0, NONE),
    ),
    (
        "each member from another one",
        (says("full"), says(share=0.1), says("metadata", 0.5, MAIL)),
        ("full", 0.1, MAIL),
    ),
    (
        "a key that says only what is hidden",
        (says(hidden=MAIL), says("metadata"), says(share=0.5)),
        ("metadata", 0.5, MAIL),
    ),
]


@pytest.mark.parametrize(
    ("said", "wanted"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_most_specific_value_that_is_set_counts_member_by_member(said, wanted):
    key, team, rule = said
    assert decide(key, team, rule, DEFAULT) == wanted


def test_where_nothing_is_set_nothing_is_made():
    assert decide(None, None, None, DEFAULT) is DEFAULT
    assert override("", None, "") is None


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        (("full", None, ""), says("full")),
        (("", Decimal(100), ""), says(share=1.0)),
        (("", Decimal("0.000001"), ""), says(share=1e-8)),
        (("", Decimal(0), ""), says(share=0.0)),
        (("", None, "none"), says(hidden=NONE)),
        (("", None, "EMAIL"), says(hidden=MAIL)),
        (("off", Decimal("12.5"), "all"), says("off", 0.125, EVERY_KIND)),
        (("summary", None, ""), says("off")),
    ],
)
def test_what_is_stored_becomes_what_is_said(stored, wanted):
    assert override(*stored) == wanted


@pytest.mark.parametrize(
    ("level", "share", "drawn", "kept"),
    [
        ("off", 1.0, 0.0, False),
        ("metadata", 1.0, 0.999, True),
        ("full", 1.0, 0.999, True),
        ("full", 0.0, 0.0, False),
        ("full", 0.25, 0.249, True),
        ("full", 0.25, 0.25, False),
    ],
)
def test_an_exchange_is_kept_if_its_lot_falls_in_the_share(level, share, drawn, kept):
    assert keeps(Policy(level, share, EVERY_KIND), lambda: drawn) is kept


def test_a_share_of_many_is_about_that_share():
    draw = random.Random(4711).random
    kept = sum(keeps(Policy("full", 0.1, EVERY_KIND), draw) for _ in range(20_000))
    assert 1900 < kept < 2100


@pytest.mark.parametrize("policy", [DEFAULT, Policy("full", 1.0, NONE)])
def test_no_lot_is_drawn_where_it_could_not_matter(policy):
    drawn: list[float] = []

    def draw() -> float:
        drawn.append(0.5)
        return 0.5

    keeps(policy, draw)
    assert drawn == []


@pytest.mark.parametrize(
    ("text", "spelt", "kinds"),
    [
        ("all", "all", EVERY_KIND),
        (" None ", "none", NONE),
        ("email", "EMAIL", MAIL),
        ("iban , ip,IBAN,", "IBAN,IP", frozenset({"IBAN", "IP"})),
        (",".join(reversed(KINDS)), ",".join(KINDS), frozenset(KINDS)),
        ("room, email ,EMPLOYEE_ID", "EMAIL,EMPLOYEE_ID,ROOM", MAIL | {"EMPLOYEE_ID", "ROOM"}),
    ],
)
def test_what_is_hidden_has_one_spelling(text, spelt, kinds):
    assert redaction_text(text) == spelt
    assert redaction_text(spelt) == spelt
    assert redaction_kinds(text) == kinds


@pytest.mark.parametrize(
    "text", ["", ",", "all,EMAIL", "none,all", "EMAIL PHONE", "E-MAIL", "EMAIL,1A", "A" * 31]
)
def test_what_names_no_kind_is_refused_and_where_it_is_stored_hides_everything(text):
    with pytest.raises(ValueError, match="all, none, or some of EMAIL, PHONE"):
        redaction_text(text)
    assert redaction_kinds(text) == EVERY_KIND


def test_where_the_patterns_are_known_no_other_name_is_taken():
    assert redaction_text("room,EMAIL", own=("ROOM",)) == "EMAIL,ROOM"
    assert redaction_text("all", own=()) == "all"
    with pytest.raises(
        ValueError, match=r"no redaction pattern MAIL\. This must be .*PEOPLE, ROOM, by"
    ):
        redaction_text("MAIL,ROOM", own=("ROOM",))


OWN = (("EMPLOYEE_ID", "EMP-[0-9]{4}"), ("ROOM", "room [a-z]"))
BUILT_IN = frozenset(KINDS)


@pytest.mark.parametrize(
    ("text", "kinds", "own"),
    [
        ("all", BUILT_IN, dict(OWN)),
        ("none", NONE, {}),
        ("EMAIL", MAIL, {}),
        ("EMAIL,ROOM", MAIL, {"ROOM": "room [a-z]"}),
        ("EMAIL,GONE", BUILT_IN, dict(OWN)),
    ],
)
def test_all_means_own_patterns_too_and_a_name_that_is_gone_means_all(text, kinds, own):
    assert hidden(redaction_kinds(text), OWN) == (kinds, own)
