"""Tokens times price, in whole nano-dollars. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

PICO_PER_NANO = 1000


class Prices(Protocol):
    """Pico-dollars per token, and the id that the books keep; `tiers` for longer inputs, shortest first."""

    @property
    def id(self) -> str: ...
    @property
    def input(self) -> int: ...
    @property
    def output(self) -> int: ...
    @property
    def cached_input(self) -> int: ...
    @property
    def cache_write_5m(self) -> int: ...
    @property
    def cache_write_1h(self) -> int: ...
    @property
    def input_audio(self) -> int: ...
    @property
    def output_audio(self) -> int: ...
    @property
    def tiers(self) -> Sequence[tuple[int, Self]]: ...


class Counts(Protocol):
    """Token counts; input includes cached and cache-writing ones, output includes reasoning."""

    @property
    def input_tokens(self) -> int: ...
    @property
    def cached_input_tokens(self) -> int: ...
    @property
    def cache_write_5m_tokens(self) -> int: ...
    @property
    def cache_write_1h_tokens(self) -> int: ...
    @property
    def input_audio_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def output_audio_tokens(self) -> int: ...


def cost_nano(price: Prices, counts: Counts) -> int:
    """The cost in nano-dollars, rounded once, half up. Parts that exceed their total leave nothing over."""
    base = price
    for length, tier in base.tiers:
        if counts.input_tokens > length:
            price = tier
    special = (
        counts.cached_input_tokens
        + counts.cache_write_5m_tokens
        + counts.cache_write_1h_tokens
        + counts.input_audio_tokens
    )
    pico = (
        max(0, counts.input_tokens - special) * price.input
        + counts.cached_input_tokens * price.cached_input
        + counts.cache_write_5m_tokens * price.cache_write_5m
        + counts.cache_write_1h_tokens * price.cache_write_1h
        + counts.input_audio_tokens * price.input_audio
        + max(0, counts.output_tokens - counts.output_audio_tokens) * price.output
        + counts.output_audio_tokens * price.output_audio
    )
    return (pico + PICO_PER_NANO // 2) // PICO_PER_NANO
