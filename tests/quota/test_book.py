"""Reserve the worst case, settle with the truth: the counters of one process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.keys import Caller
from usage.quota import NANO, NOTHING, Limit, QuotaBook, QuotaExceeded, window_of

ALICE = Caller(1, "alice", team="research")
BOB = Caller(2, "bob", team="research")
NOW = datetime(2025, 1, 31, 12, 0, 30, tzinfo=UTC).timestamp()


def book(*limits: Limit) -> QuotaBook:
    made = QuotaBook()
    made.replace(limits)
    return made


def per_minute(amount: int, **whose) -> Limit:
    return Limit(1, "requests", "minute", amount, **(whose or {"key_id": ALICE.id}))


def per_month(dollars: float, identifier: int = 2, **whose) -> Limit:
    amount = int(dollars * NANO)
    return Limit(identifier, "cost", "month", amount, **(whose or {"key_id": ALICE.id}))


def test_a_caller_without_limits_reserves_nothing():
    assert book(per_minute(1, key_id=BOB.id)).admit(ALICE, None, NOW) is NOTHING


def test_exactly_as_many_requests_as_allowed_are_admitted_in_a_minute():
    quotas = book(per_minute(2))
    quotas.admit(ALICE, None, NOW)
    quotas.admit(ALICE, None, NOW)
    with pytest.raises(QuotaExceeded) as caught:
        quotas.admit(ALICE, None, NOW)
    assert caught.value.retry_after == pytest.approx(30)
    assert str(caught.value).startswith("The limit of 2 requests per minute for this key")


def test_a_new_minute_is_a_new_counter():
    quotas = book(per_minute(1))
    quotas.admit(ALICE, None, NOW)
    quotas.admit(ALICE, None, NOW + 30)


def test_a_refused_request_consumes_nothing():
    quotas = book(per_minute(1), per_month(1))
    with pytest.raises(QuotaExceeded):
        quotas.admit(ALICE, 2 * NANO, NOW)
    quotas.admit(ALICE, NANO, NOW)


def test_a_failed_request_keeps_its_count_and_gives_its_money_back():
    quotas = book(per_minute(2), per_month(1))
    reservation = quotas.admit(ALICE, NANO, NOW)
    quotas.settle(reservation, 0)
    quotas.admit(ALICE, NANO, NOW)
    with pytest.raises(QuotaExceeded):
        quotas.admit(ALICE, 0, NOW)


def test_what_is_reserved_cannot_be_reserved_again():
    quotas = book(per_month(1))
    quotas.admit(ALICE, NANO * 6 // 10, NOW)
    with pytest.raises(QuotaExceeded) as caught:
        quotas.admit(ALICE, NANO * 6 // 10, NOW)
    assert "$0.40 is left" in str(caught.value)


@pytest.mark.parametrize(
    ("dollars", "day", "words"),
    [
        (0.000001, 24, "$0.000001 per month for this key"),
        (0.000001, 24, "$0.000001 is left"),
        (1234.5, 24, "$1,234.50 per month"),
        (1, 24, "A new window begins in 8 days."),
        (1, 31, "A new window begins in 12 hours."),
    ],
)
def test_a_budget_is_told_in_numbers_that_say_something(dollars: float, day: int, words: str):
    now = datetime(2025, 1, day, 12, 0, 30, tzinfo=UTC).timestamp()
    with pytest.raises(QuotaExceeded) as caught:
        book(per_month(dollars)).admit(ALICE, 2000 * NANO, now)
    assert words in str(caught.value)


def test_the_truth_replaces_the_reservation():
    quotas = book(per_month(1))
    quotas.settle(quotas.admit(ALICE, NANO, NOW), NANO // 4)
    assert quotas.room(ALICE, NOW) == NANO * 3 // 4


def test_an_unknown_truth_counts_as_the_whole_reservation():
    quotas = book(per_month(1))
    quotas.settle(quotas.admit(ALICE, NANO // 2, NOW), None)
    assert quotas.room(ALICE, NOW) == NANO // 2


def test_a_reservation_settles_in_the_window_in_which_it_was_taken():
    quotas = book(per_month(1))
    reservation = quotas.admit(ALICE, NANO, NOW)
    next_month = NOW + 86_400
    assert quotas.room(ALICE, next_month) == NANO
    quotas.settle(reservation, NANO)
    assert quotas.room(ALICE, next_month) == NANO


def test_a_model_without_a_price_is_refused_under_a_budget_and_only_there():
    with pytest.raises(QuotaExceeded) as caught:
        book(per_month(1)).admit(ALICE, None, NOW)
    assert caught.value.retry_after is None
    assert "no known price" in str(caught.value)
    book(per_minute(1)).admit(ALICE, None, NOW)


def test_a_team_shares_its_quota_and_everyone_shares_theirs():
    for limit in (per_minute(2, team="research"), Limit(1, "requests", "minute", 2)):
        quotas = book(limit)
        quotas.admit(ALICE, None, NOW)
        quotas.admit(BOB, None, NOW)
        with pytest.raises(QuotaExceeded):
            quotas.admit(ALICE, None, NOW)


def test_the_tightest_budget_is_the_room():
    quotas = book(per_month(5), per_month(2, identifier=3, team="research"))
    assert quotas.room(ALICE, NOW) == 2 * NANO
    assert quotas.room(BOB, NOW) == 2 * NANO
    assert quotas.room(Caller(3, "carol"), NOW) is None


def test_what_the_books_hold_is_spent_already():
    quotas = book(per_month(1))
    quotas.seed(per_month(1), NANO * 9 // 10, NOW)
    assert quotas.room(ALICE, NOW) == NANO // 10


def test_new_definitions_keep_the_counters():
    quotas = book(per_minute(1))
    quotas.admit(ALICE, None, NOW)
    quotas.replace([per_minute(2), per_month(1)])
    quotas.admit(ALICE, 0, NOW)
    with pytest.raises(QuotaExceeded):
        quotas.admit(ALICE, 0, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"metric": "cost", "amount": 10 * NANO},
        {"window": "day"},
        {"key_id": BOB.id},
        {"key_id": None, "team": "research", "team_id": 7},
        {"key_id": None},
    ],
    ids=["metric", "window", "key", "team", "everyone"],
)
def test_another_metric_window_or_subject_begins_at_nothing(changed):
    midnight = datetime(2025, 1, 31, tzinfo=UTC).timestamp()
    before = per_minute(2)
    after = replace(before, **changed)
    quotas = book(before)
    quotas.admit(ALICE, 0, midnight)
    quotas.replace([after])
    assert quotas._counter(after, midnight).spent == 0


def test_a_team_that_is_renamed_keeps_what_it_has_spent():
    before = per_minute(1, team="research", team_id=7)
    quotas = book(before)
    quotas.admit(ALICE, None, NOW)
    quotas.replace([replace(before, team="laboratory")])
    with pytest.raises(QuotaExceeded):
        quotas.admit(Caller(1, "alice", team="laboratory"), None, NOW)


def test_a_limit_that_is_taken_away_holds_nobody_back():
    quotas = book(per_minute(0))
    quotas.replace([])
    assert quotas.admit(ALICE, None, NOW) is NOTHING


def test_old_windows_are_forgotten():
    quotas = book(per_minute(1))
    for minute in range(100):
        quotas.admit(ALICE, None, NOW + 60 * minute)
    assert len(quotas._counters) == 1


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("minute", "2025-01-31T12:00:00", "2025-01-31T12:01:00"),
        ("hour", "2025-01-31T12:00:00", "2025-01-31T13:00:00"),
        ("day", "2025-01-31T00:00:00", "2025-02-01T00:00:00"),
        ("month", "2025-01-01T00:00:00", "2025-02-01T00:00:00"),
    ],
)
def test_windows_are_those_of_the_calendar_in_utc(window, start, end):
    instants = (datetime.fromisoformat(f"{text}+00:00").timestamp() for text in (start, end))
    assert window_of(window, NOW) == tuple(instants)


def test_december_ends_with_the_year():
    moment = datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert window_of("month", moment)[1] == datetime(2025, 1, 1, tzinfo=UTC).timestamp()


DEEDS = st.lists(
    st.tuples(st.sampled_from(["admit", "settle"]), st.integers(0, 400), st.integers(0, 400)),
    max_size=60,
)


@given(DEEDS)
def test_the_cap_holds_whatever_happens_as_long_as_the_truth_keeps_to_its_estimate(deeds):
    quotas, spent, held = book(per_month(1000 / NANO)), 0, []
    for deed, estimate, actual in deeds:
        if deed == "admit":
            try:
                held.append((quotas.admit(ALICE, estimate, NOW), estimate))
            except QuotaExceeded:
                assert spent + sum(reserved for _, reserved in held) + estimate > 1000
        elif held:
            reservation, reserved = held.pop(0)
            quotas.settle(reservation, min(actual, reserved))
            spent += min(actual, reserved)
        assert spent <= 1000
    for reservation, reserved in held:
        quotas.settle(reservation, reserved)
        spent += reserved
    assert quotas.room(ALICE, NOW) == 1000 - spent
