"""Bound how many model names a Provider has where each name costs room: rollups and metrics."""

from __future__ import annotations

from collections.abc import Iterable

MOST_MODELS = 200
OTHER = "other"


class ModelNames:
    """The first names of a Provider stand; later ones are `other`."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}

    def knows(self, provider: str) -> bool:
        return provider in self._known

    def learn(self, provider: str, names: Iterable[str]) -> None:
        self._known.setdefault(provider, set()).update(names)

    def of(self, provider: str, name: str) -> str:
        known = self._known.get(provider)
        if known is None:
            known = self._known[provider] = set()
        if name in known or not name:
            return name
        if len(known) >= MOST_MODELS:
            return OTHER
        known.add(name)
        return name
