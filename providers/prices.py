"""What models cost: the operator's own prices, else those of the price library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import Any, NamedTuple

from providers.price_library import patterns, vendor_named

PICO_PER_TOKEN = 1_000_000
"""Dollars per million tokens times this are pico-dollars per token."""


class Price(NamedTuple):
    """Pico-dollars per token of each kind; `id` says in the books where the price came from."""

    id: str
    input: int
    output: int
    cached_input: int
    cache_write_5m: int
    cache_write_1h: int
    input_audio: int
    output_audio: int


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


@lru_cache(maxsize=4000)
def library_price(vendor: str, model: str) -> Price | None:
    """The price library's word on a vendor's model (bundled data, offline); None if it has none.

    Prices with tiers by context length are taken at their base.
    """
    sold_by = vendor_named(vendor)
    found = sold_by.find_model(model) if sold_by else None
    if found is None:
        return None
    prices = found.get_prices(_now())
    base, output = _base(prices.input_mtok), _base(prices.output_mtok)
    if base is None or output is None:
        return None
    cached, written = _base(prices.cache_read_mtok), _base(prices.cache_write_mtok)
    audio_in, audio_out = _base(prices.input_audio_mtok), _base(prices.output_audio_mtok)
    short = base if written is None else written
    return Price(
        id=f"genai-prices {version('genai-prices')} {vendor}/{found.id}",
        input=base,
        output=output,
        cached_input=base if cached is None else cached,
        cache_write_5m=short,
        # Anthropic sells an hour of cache at twice the input price, five minutes at 1.25 times.
        cache_write_1h=base * 2 if written is not None else base,
        input_audio=base if audio_in is None else audio_in,
        output_audio=output if audio_out is None else audio_out,
    )


def _base(price: Any) -> int | None:
    return None if price is None else _pico(getattr(price, "base", price))


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)
