"""Compile a published document into the Snapshot that a worker serves with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from providers.compile import Compiled, Opener, compile_providers
from providers.endpoint import Endpoint
from providers.problems import DocumentInvalid
from routing.document import Document, read
from routing.entries import ProviderEntry, RuleEntry, TargetEntry
from routing.references import NOTHING_KNOWN, check
from routing.snapshot import Snapshot
from routing.table import Choice, Route, RouteTable
from usage.keys import is_pattern, model_pattern
from usage.transcripts.policy import Patterns, override

Endpoints = Mapping[tuple[str, str], Endpoint]


class _Deployed(NamedTuple):
    """What Targets may lead to. `named` holds disabled Deployments too: they hide behind no `*`."""

    endpoints: Endpoints
    named: frozenset[tuple[str, str]]

    def choice(self, target: TargetEntry) -> Choice | None:
        """None where the Target cannot be used: its Deployment is disabled, or its weight is 0."""
        place = (target.provider, target.model)
        if target.weight == 0:
            return None
        if place in self.named:
            named = self.endpoints.get(place)
            return None if named is None else Choice(named, target.model, target.weight)
        any_model = self.endpoints.get((target.provider, "*"))
        if any_model is None:
            return None
        return Choice(any_model, None if target.model == "*" else target.model, target.weight)


def compile_document(document: dict[str, Any], open_secret: Opener) -> Snapshot:
    """A Snapshot without a number. Raises DocumentInvalid where the document cannot work.

    What merely cannot serve now (a secret that does not open, a rule whose targets are all
    disabled) becomes a problem of the Snapshot, and the rest serves.
    """
    read_document, problems = read(document)
    problems += check(read_document, NOTHING_KNOWN)
    if problems:
        raise DocumentInvalid(problems)
    providers = [entry for _, entry in read_document.providers]
    compiled = compile_providers([entry.model_dump() for entry in providers], open_secret)
    routes, idle = _routes(read_document, providers, compiled)
    return Snapshot(
        number=0,
        table=RouteTable(routes),
        places=_places(compiled.endpoints),
        problems=(*compiled.problems, *idle),
        secrets=_secrets(compiled.endpoints),
    )


def _routes(
    document: Document, providers: list[ProviderEntry], compiled: Compiled
) -> tuple[tuple[Route, ...], list[str]]:
    """The Routes in the order in which they are read, and sentences about those that cannot serve.

    A Rule without a usable Target stays: its requests are refused rather than taken by the next
    Rule, which may be dearer or go where they must not go.
    """
    named = frozenset(
        (entry.name, deployment.model)
        for entry in providers
        for deployment in entry.deployments
        if deployment.model != "*"
    )
    deployed = _Deployed(compiled.endpoints, named)
    rules = [rule for _, rule in document.rules if rule.enabled]
    rules.sort(key=lambda rule: (rule.priority, rule.name))
    patterns = tuple((entry.name, entry.pattern) for _, entry in document.redaction_patterns)
    routes = tuple(_route(rule, deployed, patterns) for rule in rules)
    idle = [
        f"rule {route.name}: none of its targets can be used; its requests are refused."
        for route in routes
        if not route.tiers
    ]
    return routes, idle


def _route(rule: RuleEntry, deployed: _Deployed, patterns: Patterns) -> Route:
    match = rule.match
    return Route(
        name=rule.name,
        pattern=match.model,
        matches_model=model_pattern(match.model) if is_pattern(match.model) else None,
        headers=tuple((name.encode(), value.encode()) for name, value in match.headers.items()),
        teams=frozenset(match.teams),
        keys=frozenset(match.client_keys),
        strict=rule.strict,
        tiers=_tiers(rule.targets, deployed),
        transcripts=override(rule.transcripts or "", rule.transcript_share, rule.redaction),
        patterns=patterns,
    )


def _tiers(targets: list[TargetEntry], deployed: _Deployed) -> tuple[tuple[Choice, ...], ...]:
    """Tiers in order; one whose Targets are all unusable is not there."""
    tiers: dict[int, list[Choice]] = {}
    for target in sorted(targets, key=lambda target: target.tier):
        choice = deployed.choice(target)
        if choice is not None:
            tiers.setdefault(target.tier, []).append(choice)
    return tuple(map(tuple, tiers.values()))


def _secrets(endpoints: Endpoints) -> frozenset[str]:
    found = {login.secret for endpoint in endpoints.values() for login in endpoint.logins}
    return frozenset(found - {""})


def _places(endpoints: Endpoints) -> dict[str, bool]:
    """Base URLs on the network; the demo provider's is known to the worker alone."""
    return {
        endpoint.base_url: endpoint.allow_private
        for endpoint in endpoints.values()
        if endpoint.adapter.name != "demo"
    }
