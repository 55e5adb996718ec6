"""Admit a request under quotas: what is the most that it could cost, and how long may its answer be."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from providers.endpoint import Endpoint
from providers.wire.codec import Codec
from providers.wire.envelope import Envelope
from routing.table import Route
from usage.keys import Caller
from usage.price import PICO_PER_NANO
from usage.quota import NOTHING, QuotaBook, Reservation

BYTES_PER_TOKEN_AT_WORST = 2
"""Text of few letters a token (CJK, code) comes to about this; a reservation errs to the dear side."""
OUTPUT_IF_UNKNOWN = 16_384
"""Reserved for a model whose longest answer is not known, where the client sets no cap."""
LEAST_OUTPUT = 16


class Admission(NamedTuple):
    """`output_cap` is what each choice must be capped to; None leaves the request as it is."""

    reservation: Reservation
    output_cap: int | None = None


class Worst(NamedTuple):
    """The dearest prices that a Route could reach, in pico-dollars a token, and its longest answer."""

    input: int
    output: int
    longest: int


def admit(
    quotas: QuotaBook,
    caller: Caller,
    route: Route,
    envelope: Envelope,
    codec: Codec | None,
    now: float,
) -> Admission:
    """Reserve under every limit of the caller. Raises QuotaExceeded, or Unreadable for a bad cap.

    Without a codec no model is asked: it is a request that costs nothing.
    """
    if not quotas.limits_of(caller):
        return Admission(NOTHING)
    room = quotas.room(caller, now)
    if room is None or codec is None:
        return Admission(quotas.admit(caller, 0, now))
    worst = _worst(route, envelope.model)
    if worst is None:
        return Admission(quotas.admit(caller, None, now))
    asked, choices = codec.output_cap(envelope.members), codec.choices(envelope.members)
    input_cost = worst.input * envelope.prompt.tokens(BYTES_PER_TOKEN_AT_WORST)
    price = worst.output * choices
    wanted = asked or worst.longest
    granted = _granted(wanted, room * PICO_PER_NANO - input_cost, price)
    cost = ceil((input_cost + granted * price) / PICO_PER_NANO)
    reservation = quotas.admit(caller, cost, now)
    return Admission(reservation, None if granted == wanted else granted)


def _granted(wanted: int, room_pico: int, price: int) -> int:
    """As much output as the room pays for; where that is next to nothing, what was wanted, to be refused."""
    if price == 0:
        return wanted
    affordable = max(0, room_pico) // price
    return wanted if affordable < min(wanted, LEAST_OUTPUT) else min(wanted, affordable)


def _worst(route: Route, model: str) -> Worst | None:
    """None if the price of any Endpoint that could be reached is unknown."""
    dearest_input = dearest_output = longest = 0
    for endpoint in _endpoints(route, model):
        if endpoint.price is None:
            return None
        for price in (endpoint.price, *(tier for _, tier in endpoint.price.tiers)):
            dearest_input = max(
                dearest_input,
                price.input,
                price.cache_write_5m,
                price.cache_write_1h,
                price.input_audio,
            )
            dearest_output = max(dearest_output, price.output, price.output_audio)
        longest = max(longest, endpoint.facts.max_output or OUTPUT_IF_UNKNOWN)
    return Worst(dearest_input, dearest_output, longest)


def _endpoints(route: Route, model: str) -> list[Endpoint]:
    return [choice.bound(model) for tier in route.tiers for choice in tier]
