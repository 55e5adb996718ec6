"""Match a request to a Route. Pure: no clock, no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.endpoint import Endpoint
from usage.transcripts.policy import Override, Patterns

MOST_REMEMBERED_MODELS = 4096


@dataclass(frozen=True, slots=True)
class Choice:
    """A Target compiled. `model` is what to ask for; None passes the client's name through."""

    endpoint: Endpoint
    model: str | None
    weight: int

    def bound(self, client_model: str) -> Endpoint:
        return self.endpoint.of(self.model if self.model is not None else client_model)

    def names(self) -> tuple[str, ...]:
        """The named Deployments that it can lead to."""
        if self.endpoint.deployment != "*":
            return (self.endpoint.deployment,)
        return tuple(self.endpoint.named) if self.model is None else ()


@dataclass(frozen=True, slots=True)
class Route:
    """A Rule compiled. `tiers` are in fallback order; empty `teams` and `keys` match anyone.

    `patterns` are the operator's own of the same configuration, for what is kept of its requests.
    """

    name: str
    pattern: str
    matches_model: re.Pattern[str] | None
    headers: tuple[tuple[bytes, bytes], ...]
    teams: frozenset[str]
    keys: frozenset[str]
    strict: bool
    tiers: tuple[tuple[Choice, ...], ...]
    transcripts: Override | None = None
    patterns: Patterns = ()

    def admits(self, key: str, team: str, headers: Mapping[bytes, bytes]) -> bool:
        """Whether everything but the model matches."""
        if self.keys and key not in self.keys:
            return False
        if self.teams and team not in self.teams:
            return False
        return all(headers.get(name) == value for name, value in self.headers)

    def takes(self, model: str) -> bool:
        if self.matches_model is not None:
            return self.matches_model.fullmatch(model) is not None
        return not self.pattern or self.pattern == model


@dataclass(frozen=True, slots=True)
class RouteTable:
    """All Routes in the order in which they are read; the first match decides."""

    routes: tuple[Route, ...]
    _by_model: dict[str, tuple[Route, ...]] = field(default_factory=dict, repr=False)

    def match(
        self, model: str, key: str, team: str, headers: Mapping[bytes, bytes]
    ) -> Route | None:
        for route in self.for_model(model):
            if route.admits(key, team, headers):
                return route
        return None

    def for_model(self, model: str) -> tuple[Route, ...]:
        """The Routes that take a model name, in order; remembered, and the memory is bounded."""
        routes = self._by_model.get(model)
        if routes is None:
            routes = tuple(route for route in self.routes if route.takes(model))
            if len(self._by_model) >= MOST_REMEMBERED_MODELS:
                self._by_model.clear()
            self._by_model[model] = routes
        return routes

    def named_models(self, key: str, team: str) -> list[tuple[str, str]]:
        """(model, provider) of every model that a Route lets this key reach by name, never patterns.

        These are the names that Routes name exactly, and the named Deployments among the Targets
        of a Route that passes the client's name through.
        """
        named: dict[str, str] = {}
        for route in self.routes:
            if (route.keys and key not in route.keys) or (route.teams and team not in route.teams):
                continue
            if not route.tiers:
                continue
            first = route.tiers[0][0].endpoint.provider
            if route.pattern and route.matches_model is None:
                named.setdefault(route.pattern, first)
            for choice in (choice for tier in route.tiers for choice in tier):
                for model in choice.names():
                    if route.takes(model):
                        named.setdefault(model, choice.endpoint.provider)
        return sorted(named.items())
