"""The price library's vendors, each kept when it is asked for: the whole takes five megabytes."""

from __future__ import annotations

import runpy
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_prices.types import Provider as Vendor


@cache
def patterns() -> tuple[tuple[str, str], ...]:
    """(name, regular expression of its addresses) of every vendor that the library knows."""
    return tuple((vendor.id, vendor.api_pattern) for vendor in _all())


@cache
def vendor_named(name: str) -> Vendor | None:
    """One vendor with its models and their prices; None if the library does not know it."""
    return next((vendor for vendor in _all() if vendor.id == name), None) if name else None


@cache
def library_version() -> str:
    return version("genai-prices")


def _all() -> list[Vendor]:
    """Every vendor. Run, not imported, so that nothing holds what the caller lets go of; 60 ms."""
    vendors: list[Vendor] = runpy.run_module("genai_prices.data")["providers"]
    return vendors
