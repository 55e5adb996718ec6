"""What models cost: the operator's own prices, else those of the price library."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from providers.price_library import library_version, patterns, vendor_named

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice

PICO_PER_TOKEN = 1_000_000
"""Dollars per million tokens times this are pico-dollars per token."""


KINDS = (
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "input_audio_mtok",
    "output_audio_mtok",
)
"""The price library's names of the prices that it has for kinds of tokens."""
PERIOD = 900
"""Seconds. Prices that depend on the time of day begin and end at such a quarter of an hour."""


class Price(NamedTuple):
    """Pico-dollars per token of each kind; `id` says in the books where the price came from.

    `tiers` are (length, Price), shortest first: what all tokens of a request cost whose input is
    longer than that. `until` is when to ask for the price again, in Unix seconds; 0 is never.
    """

    id: str
    input: int
    output: int
    cached_input: int
    cache_write_5m: int
    cache_write_1h: int
    input_audio: int
    output_audio: int
    tiers: tuple[tuple[int, Price], ...] = ()
    until: float = 0.0


def _pico(per_mtok: object) -> int:
    return int((Decimal(str(per_mtok)) * PICO_PER_TOKEN).to_integral_value())


def own_price(name: str, price: Mapping[str, Any]) -> Price:
    """A price of the configuration: decimals in US dollars per million tokens.

    A kind without a price of its own costs what its base kind costs.
    """
    base = _pico(price["input_per_mtok"])
    output = _pico(price["output_per_mtok"])

    def kind(member: str, default: int) -> int:
        value = price.get(member)
        return default if value is None else _pico(value)

    return Price(
        id=f"own {name}",
        input=base,
        output=output,
        cached_input=kind("cached_input_per_mtok", base),
        cache_write_5m=kind("cache_write_5m_per_mtok", base),
        cache_write_1h=kind("cache_write_1h_per_mtok", base),
        input_audio=base,
        output_audio=output,
    )


@lru_cache(maxsize=256)
def vendor_at(base_url: str) -> str:
    """The price library's name of the vendor behind an address, "" where it knows none."""
    return next((name for name, pattern in patterns() if re.match(pattern, base_url)), "")


def library_price(vendor: str, model: str) -> Price | None:
    """The price library's word on a vendor's model (bundled data, offline); None if it has none."""
    return library_price_in(int(time.time()) // PERIOD, vendor, model)


@lru_cache(maxsize=4000)
def library_price_in(period: int, vendor: str, model: str) -> Price | None:
    """As of one period, counted from 1970."""
    sold_by = vendor_named(vendor)
    found = sold_by.find_model(model) if sold_by else None
    if found is None:
        return None
    prices = found.get_prices(datetime.fromtimestamp(period * PERIOD, UTC))
    source = f"genai-prices {library_version()} {vendor}/{found.id}"
    price = _at_length(prices, -1, source)
    if price is None:
        return None
    tiers = tuple(
        (length, tier)
        for length in _lengths(prices)
        if (tier := _at_length(prices, length, source)) is not None
    )
    varies = isinstance(found.prices, list)
    return price._replace(tiers=tiers, until=(period + 1) * PERIOD if varies else 0.0)


def embedding_price(vendor: str, model: str) -> Price | None:
    """The price library's word on a model that answers with vectors: its input alone costs something."""
    sold_by = vendor_named(vendor)
    found = sold_by.find_model(model) if sold_by else None
    if found is None:
        return None
    base = _of_kind(found.get_prices(datetime.now(UTC)).input_mtok, -1)
    if base is None:
        return None
    source = f"genai-prices {library_version()} {vendor}/{found.id}"
    return Price(source, base, 0, base, base, base, base, 0)


def _lengths(prices: ModelPrice) -> list[int]:
    """The lengths of input above which something costs another price."""
    kinds = (getattr(prices, kind) for kind in KINDS)
    return sorted({tier.start for kind in kinds for tier in getattr(kind, "tiers", ())})


def _at_length(prices: ModelPrice, length: int, source: str) -> Price | None:
    """What the tokens of a request cost whose input is just longer than `length`."""
    base, output, cached, written, audio_in, audio_out = (
        _of_kind(getattr(prices, kind), length) for kind in KINDS
    )
    if base is None or output is None:
        return None
    return Price(
        id=source,
        input=base,
        output=output,
        cached_input=base if cached is None else cached,
        cache_write_5m=base if written is None else written,
        # Anthropic sells an hour of cache at twice the input price, five minutes at 1.25 times.
        cache_write_1h=base * 2 if written is not None else base,
        input_audio=base if audio_in is None else audio_in,
        output_audio=output if audio_out is None else audio_out,
    )


def _of_kind(price: Any, length: int) -> int | None:
    if price is None:
        return None
    value = getattr(price, "base", price)
    for tier in getattr(price, "tiers", ()):
        if length >= tier.start:
            value = tier.price
    return _pico(value)
