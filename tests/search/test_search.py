"""Search what was said, on each database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.search.archive import Archive, found, ids
from tests.transcripts.lines import NOON, chat, line, messages, tool_talk, user
from usage.transcripts.search import Filters, search


def test_all_of_the_words_are_found_in_any_order_and_the_newest_first(archive: Archive):
    first, second = line(NOON), line(NOON + 60)
    other = line(**chat([user("The capital of Germany?")], "Berlin."))
    archive.keep(first, other, second)
    wanted = [second["exchange_id"], first["exchange_id"]]
    assert found("france CAPITAL") == found("paris france") == wanted
    assert found("capital") == [wanted[0], other["exchange_id"], wanted[1]]
    assert found("capital nowhere") == []


def test_in_quotes_words_must_stand_side_by_side(archive: Archive):
    apart, together = (
        line(**chat([user(text)], "Yes."))
        for text in ("red is the house", "I live in a red house, you know")
    )
    archive.keep(apart, together)
    assert len(found("red house")) == 2
    assert found('"red house"') == [together["exchange_id"]]
    assert found("red-house") == [together["exchange_id"]]
    assert found('"house red"') == []


def test_a_phrase_is_in_one_text_and_not_in_the_end_of_one_and_the_beginning_of_the_next(
    archive: Archive,
):
    archive.keep(line(**chat([user("It ends with red")], "House is what it begins with")))
    assert len(found("red house")) == 1
    assert found('"red house"') == []


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("cafe", "Ein CAFÉ"),
        ("東京都", "明日は東京都に行きます"),
        ("京都に", "明日は東京都に行きます"),
        ("ada@example.com", "Write to <ada@example.com>!"),
        ("snake_case", "a snake_case name"),
        ("4o", "the model gpt-4o"),
        ("and or not near", "AND, OR, NOT, NEAR are words"),
        ("x" * 500, "see " + "x" * 500),
    ],
)
def test_words_are_found_however_they_are_written(archive: Archive, typed: str, text: str):
    kept = line(**chat([user(text)], "Yes."))
    archive.keep(line(), kept)
    assert found(typed) == [kept["exchange_id"]]


@pytest.mark.parametrize(
    "typed",
    [
        "'; DROP TABLE patchbay_usage_transcript; --",
        '" OR 1=1',
        "words:secret NEAR(a b) ^x a* {x y}: -z",
        "a & b | !c <-> d:*",
        "\\ ' \\' %s %(x)s ?1 :x",
        "\0",
        '"' * 999,
        "x" * 100_000,
        "word " * 10_000,
        "(((((",
    ],
)
def test_whatever_is_typed_is_only_looked_for(archive: Archive, typed: str):
    archive.keep(line())
    assert found(typed) == []
    assert archive.count() == 1


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=50))
def test_no_input_is_an_error(archive: Archive, typed: str):
    search(typed, Filters(key=typed, status=typed), 10)


def test_what_is_empty_gives_the_newest_and_what_has_no_word_nothing(archive: Archive):
    kept = [line(), line()]
    archive.keep(*kept)
    assert found("  ") == [kept[1]["exchange_id"], kept[0]["exchange_id"]]
    assert found('"" !?') == []


def test_filters_choose_among_what_is_found(archive: Archive):
    plain = line(NOON)
    told = line(
        NOON + 60,
        client_key="bob",
        team="red",
        session="s-1",
        end_user="u-1",
        model="fast",
        provider="anthropic",
        status=502,
    )
    archive.keep(plain, told)
    both, later = [told["exchange_id"], plain["exchange_id"]], [told["exchange_id"]]
    chosen: list[dict[str, Any]] = [
        {"key": "bob"},
        {"team": "red"},
        {"session": "s-1"},
        {"end_user": "u-1"},
        {"model": "fast"},
        {"provider": "anthropic"},
        {"status": "502"},
        {"status": "5xx"},
        {"since": datetime.fromtimestamp(NOON + 30, UTC)},
        {"key": "bob", "team": "red", "status": "5XX"},
    ]
    for filters in chosen:
        assert found("paris", **filters) == later, filters
        assert found("", **filters) == later, filters
    assert found("paris", model="gpt-5") == both, "the one that was asked for, or the one sent on"
    assert found("paris", until=datetime.fromtimestamp(NOON + 30, UTC)) == both[1:]
    nothings: list[dict[str, Any]] = [
        {"key": "bo"},
        {"status": "5x"},
        {"status": "٥"},
        {"key": "bob", "team": "x"},
    ]
    for nothing in nothings:
        assert found("paris", **nothing) == []


def test_a_hit_says_whose_words_they_are_and_shows_them(archive: Archive):
    archive.keep(*tool_talk(), line(**messages([user("Guten Tag")], "Hallo, Ada.")))
    [hit] = search('"forty-two"', Filters(), 10).hits
    assert (hit.role, [piece.text for piece in hit.snippet]) == ("tool", ["forty-two"])
    [hit] = search("careful", Filters(), 10).hits
    assert hit.role == "system"
    [hit] = search("ada", Filters(), 10).hits
    assert [tuple(piece) for piece in hit.snippet] == [
        ("Hallo, ", False),
        ("Ada", True),
        (".", False),
    ]
    assert (hit.client_key, hit.model, hit.status, hit.outcome) == (
        "alice",
        "gpt-5",
        200,
        "completed",
    )
    assert hit.started_at == datetime.fromtimestamp(NOON, UTC)


@pytest.mark.parametrize("typed", ["capital", '"capital of France"', ""])
def test_pages_follow_each_other_without_gap_or_repetition(archive: Archive, typed: str):
    kept = [line() for _ in range(25)]
    archive.keep(*kept[:20])
    first = search(typed, Filters(), 10)
    seen, before = ids(first), first.before
    archive.keep(*kept[20:])
    while before is not None:
        page = search(typed, Filters(), 10, before)
        seen, before = seen + ids(page), page.before
    assert seen == [each["exchange_id"] for each in reversed(kept[:20])]


def test_a_rare_phrase_of_common_words_is_found_however_far_back_it_is(archive: Archive):
    apart = [line(**chat([user("red is the house")], "Yes.")) for _ in range(450)]
    together = line(**chat([user("a red house")], "Yes."))
    archive.keep(together, *apart)
    seen: list[str] = []
    page = search('"red house"', Filters(), 10)
    while page.before is not None:
        seen += ids(page)
        page = search('"red house"', Filters(), 10, page.before)
    assert seen + ids(page) == [together["exchange_id"]]


def test_a_damaged_row_spoils_no_search(archive: Archive):
    first, second = line(), line()
    archive.keep(first, second)
    archive.rows(
        "UPDATE {table} SET line = %s WHERE number = (SELECT max(number) FROM {table})", b"damaged"
    )
    assert found("paris") == [second["exchange_id"], first["exchange_id"]]
    assert found('"is the capital"') == [first["exchange_id"]]
