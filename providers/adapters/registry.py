"""Find the adapters: every table of vendors.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from providers.wire.codec import WireFormat

VENDORS = Path(__file__).with_name("vendors.toml")


@dataclass(frozen=True, slots=True)
class Adapter:
    """What is peculiar to one vendor. Paths are appended to the Provider's base URL."""

    name: str
    label: str
    base_url: str
    auth: Literal["bearer", "x-api-key"]
    paths: Mapping[WireFormat, str]
    models_path: str
    count_tokens_path: str = ""
    prices: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def default_base_url(self) -> str:
        return self.base_url

    def auth_headers(self, secret: str) -> dict[str, str]:
        """The headers that present `secret`, and those that the vendor wants on every call."""
        if self.auth == "x-api-key":
            return {**self.headers, "x-api-key": secret}
        return {**self.headers, "authorization": f"Bearer {secret}"}


def _adapter(name: str, table: dict[str, Any]) -> Adapter:
    paths = {WireFormat(form): path for form, path in table.pop("paths").items()}
    return Adapter(name=name, paths=MappingProxyType(paths), **table)


def _read_adapters() -> Mapping[str, Adapter]:
    """Every adapter by name."""
    tables = tomllib.loads(VENDORS.read_text())
    return MappingProxyType({name: _adapter(name, table) for name, table in tables.items()})


ADAPTERS: Mapping[str, Adapter] = _read_adapters()
