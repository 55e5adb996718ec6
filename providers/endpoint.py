"""A Deployment compiled for the hot path: where to send, as whom, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from providers.adapters.registry import Adapter
from providers.families import facts_for
from providers.prices import Price
from providers.wire.codec import ModelFacts, WireFormat

MOST_BOUND_MODELS = 1000
Pricer = Callable[[str], Price | None]


@dataclass(frozen=True, slots=True)
class Login:
    """A Credential compiled: its label for the books, the headers that present it."""

    label: str
    headers: dict[str, str] = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """One model that can be called. `model` is empty until an any-model Endpoint is bound by `of`.

    `prices` answers what a model costs; None is an unknown price, never zero. `named` holds the
    named Deployments of the same Provider, for an any-model Endpoint.
    """

    provider: str
    adapter: Adapter
    base_url: str
    deployment: str
    logins: tuple[Login, ...]
    prices: Pricer
    allow_private: bool = False
    model: str = ""
    price: Price | None = None
    facts: ModelFacts = field(default_factory=ModelFacts)
    named: Mapping[str, Endpoint] = field(default_factory=dict, repr=False)
    _bound: dict[str, Endpoint] = field(default_factory=dict, repr=False)
    _turn: count[int] = field(default_factory=count, repr=False)

    def of(self, model: str) -> Endpoint:
        """The Endpoint of one model name: the provider's own Deployment of it, else this one bound to it.

        Memoised for as long as its price holds, and the memory is bounded.
        """
        if model == self.model and self._price_holds:
            return self
        named = self.named.get(model)
        if named is not None:
            return named.of(model)
        bound = self._bound.get(model)
        if bound is None or not bound._price_holds:
            bound = replace(
                self, model=model, price=self.prices(model), facts=facts_for(model), _bound={}
            )
            if len(self._bound) >= MOST_BOUND_MODELS:
                self._bound.clear()
            self._bound[model] = bound
        return bound

    @property
    def _price_holds(self) -> bool:
        return self.price is None or not self.price.until or time.time() < self.price.until

    def login(self) -> Login:
        """The next Credential in turn."""
        logins = self.logins
        return logins[0] if len(logins) == 1 else logins[next(self._turn) % len(logins)]

    def format_for(self, client: WireFormat) -> WireFormat:
        """The client's own format where the vendor speaks it, else the vendor's first."""
        paths = self.adapter.paths
        return client if client in paths else next(iter(paths))
