"""Facts about families of models: data, read from families.toml, never branches in code."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from providers.wire.codec import ModelFacts

FAMILIES = Path(__file__).with_name("families.toml")


def _read() -> tuple[tuple[tuple[str, ...], ModelFacts], ...]:
    tables: list[dict[str, Any]] = tomllib.loads(FAMILIES.read_text())["family"]
    return tuple(
        (tuple(table.pop("prefixes")), msgspec.convert(table, ModelFacts)) for table in tables
    )


_FAMILIES = _read()


@lru_cache(maxsize=2000)
def facts_for(model: str) -> ModelFacts:
    """The facts of the first family that one of its prefixes names; cautious ones otherwise.

    A path before the name (`openai/gpt-5`) is passed over.
    """
    name = model.rpartition("/")[2].lower()
    for prefixes, facts in _FAMILIES:
        if name.startswith(prefixes):
            return facts
    return ModelFacts()
