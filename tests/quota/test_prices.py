"""Prices that depend on the hour or on how long the input is."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from providers.adapters.registry import ADAPTERS
from providers.endpoint import Endpoint
from providers.prices import PERIOD, Price, library_price, library_price_in
from providers.wire.codec import WireFormat
from providers.wire.envelope import open_envelope
from providers.wire.registry import CODECS
from providers.wire.usage import Usage
from routing.admission import admit
from routing.table import Choice, Route
from tests.chaos.speech import compact
from usage.keys import Caller
from usage.price import cost_nano
from usage.quota import NANO, Limit, QuotaBook

ALICE = Caller(1, "alice")


def plain(input_price: int, output_price: int, **more) -> Price:
    return Price("p", input_price, output_price, *(input_price,) * 4, output_price, **more)


LONG = plain(4_000_000, 8_000_000)
TIERED = plain(2_000_000, 4_000_000, tiers=((1000, plain(3_000_000, 6_000_000)), (2000, LONG)))


def endpoint(prices, price: Price | None = None, **more) -> Endpoint:
    return Endpoint(
        provider="openai",
        adapter=ADAPTERS["openai"],
        base_url="https://example.com",
        deployment="*",
        logins=(),
        prices=prices,
        price=price,
        **more,
    )


@pytest.mark.parametrize(("length", "each"), [(0, 2), (1000, 2), (1001, 3), (2000, 3), (2001, 4)])
def test_a_longer_input_makes_all_tokens_dearer(length: int, each: int):
    used = Usage(input_tokens=length, output_tokens=10)
    assert cost_nano(TIERED, used) == (length * each + 10 * 2 * each) * 1000


def test_the_dearest_tier_is_reserved():
    route = Route(
        "r",
        "",
        None,
        (),
        frozenset(),
        frozenset(),
        False,
        ((Choice(endpoint(lambda _: TIERED), None, 1),),),
    )
    book = QuotaBook()
    book.replace([Limit(1, "cost", "month", NANO)])
    body = compact({"model": "m", "max_tokens": 10, "messages": []})
    codec = CODECS[WireFormat.OPENAI_CHAT]
    [(_, held)] = admit(book, ALICE, route, open_envelope(body), codec, 0.0).reservation.held
    assert held == ((len(body) + 1) // 2) * 4000 + 10 * 8000


@pytest.mark.parametrize("named", [False, True], ids=["any model", "named"])
def test_a_price_is_asked_for_again_when_it_has_ended(named: bool):
    asked: list[str] = []

    def prices(model: str) -> Price:
        asked.append(model)
        return plain(len(asked), 1, until=time.time() + (-1 if len(asked) < 3 else 60))

    made = endpoint(prices, prices("m"), model="m") if named else endpoint(prices)
    found = [price.input for _ in range(5) if (price := made.of("m").price) is not None]
    assert found == ([2, 3, 3, 3, 3] if named else [1, 2, 3, 3, 3])


def test_a_price_without_an_end_is_asked_for_once():
    asked: list[str] = []

    def prices(model: str) -> Price:
        asked.append(model)
        return plain(1, 1)

    made = endpoint(prices)
    assert made.of("m") is made.of("m")
    assert asked == ["m"]


def at(hour: int, minute: int = 0) -> Price:
    moment = datetime(2025, 7, 1, hour, minute, tzinfo=UTC).timestamp()
    found = library_price_in(int(moment) // PERIOD, "deepseek", "deepseek-reasoner")
    assert found is not None
    return found


def test_the_library_s_prices_by_the_hour_are_those_of_the_hour():
    day, night = at(12), at(20)
    assert day.input > night.input
    assert (at(0, 30).input, at(16, 29).input) == (day.input, day.input)
    assert (at(0, 29).input, at(16, 30).input) == (night.input, night.input)
    assert night.until == datetime(2025, 7, 1, 20, 15, tzinfo=UTC).timestamp()


def test_the_library_s_prices_by_length_come_with_their_tiers():
    price = library_price("anthropic", "claude-sonnet-4-5")
    assert price is not None
    [(length, dearer)] = price.tiers
    assert length == 200_000
    assert dearer.input == 2 * price.input
    assert dearer.output > price.output
    assert dearer.cached_input > price.cached_input


def test_the_library_s_plain_prices_have_neither_end_nor_tiers():
    price = library_price("openai", "gpt-4o")
    assert price is not None
    assert (price.tiers, price.until) == ((), 0.0)
