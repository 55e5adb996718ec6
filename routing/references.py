"""What entries of a configuration say of each other: names that must be known, and must be once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from providers.problems import Problem
from routing.document import Document
from routing.entries import RuleEntry
from usage.transcripts.policy import MOST_PATTERNS, redaction_text


@dataclass(frozen=True, slots=True)
class Known:
    """What exists beside the document. `providers` maps names to the models of their Deployments.

    `teams`, `client_keys` and `owners` are None where they are not to be checked.
    """

    providers: Mapping[str, frozenset[str]]
    teams: frozenset[str] | None = None
    client_keys: frozenset[str] | None = None
    owners: frozenset[str] | None = None
    patterns: frozenset[str] = frozenset()


NOTHING_KNOWN = Known({})


def check(document: Document, known: Known) -> list[Problem]:
    """Every name that is there twice, and every reference to something that is not there."""
    return [
        *_repeated(document),
        *_targets(document, known),
        *_matches(document, known),
        *_owners(document, known),
        *_redactions(document, known),
    ]


def _repeated(document: Document) -> Iterator[Problem]:
    yield from _twice((f"{path}.name", entry.name) for path, entry in document.providers)
    yield from _twice((f"{path}.name", entry.name) for path, entry in document.redaction_patterns)
    yield from _twice((f"{path}.name", entry.name) for path, entry in document.teams)
    yield from _twice((f"{path}.name", entry.name) for path, entry in document.rules)
    yield from _twice((f"{path}.name", entry.name) for path, entry in document.client_keys)
    for path, entry in document.providers:
        yield from _twice(
            (f"{path}.credentials[{index}].label", credential.label)
            for index, credential in enumerate(entry.credentials)
        )
        yield from _twice(
            (f"{path}.deployments[{index}].model", deployment.model)
            for index, deployment in enumerate(entry.deployments)
        )
    subjects = Counter[tuple[str | None, str | None, str, str]]()
    for path, quota in document.quotas:
        subject = (quota.client_key, quota.team, quota.metric, quota.window)
        subjects[subject] += 1
        if subjects[subject] > 1:
            yield Problem(path, "A quota of the same metric and window stands above for the same.")


def _twice(names: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, name in names:
        if name in seen:
            yield Problem(path, f"{name!r} is named twice.")
        seen.add(name)


def _targets(document: Document, known: Known) -> Iterator[Problem]:
    models: dict[str, frozenset[str]] = dict(known.providers)
    for _, entry in document.providers:
        own = frozenset(deployment.model for deployment in entry.deployments)
        models[entry.name] = own | models.get(entry.name, frozenset())
    for path, rule in document.rules:
        yield from _targets_of(path, rule, models, document.broken.get("providers", set()))


def _targets_of(
    path: str, rule: RuleEntry, models: Mapping[str, frozenset[str]], unread: set[str]
) -> Iterator[Problem]:
    for index, target in enumerate(rule.targets):
        here = f"{path}.targets[{index}]"
        if target.provider in unread:
            continue
        deployed = models.get(target.provider)
        if deployed is None:
            yield Problem(f"{here}.provider", f"There is no provider {target.provider!r}.")
        elif target.model not in deployed and "*" not in deployed:
            wanted = "any model (*)" if target.model == "*" else f"the model {target.model!r}"
            yield Problem(
                f"{here}.model", f"The provider {target.provider} has no deployment for {wanted}."
            )


def _matches(document: Document, known: Known) -> Iterator[Problem]:
    """Teams and keys that rules and quotas are about, and the teams of keys."""
    teams = _all(
        known.teams, document.broken.get("teams", set()), (team.name for _, team in document.teams)
    )
    keys = _all(
        known.client_keys,
        document.broken.get("client_keys", set()),
        (key.name for _, key in document.client_keys),
    )
    for path, rule in document.rules:
        for index, name in enumerate(rule.match.teams):
            yield from _unknown(f"{path}.match.teams[{index}]", "team", name, teams)
        for index, name in enumerate(rule.match.client_keys):
            yield from _unknown(f"{path}.match.client_keys[{index}]", "client key", name, keys)
    for path, key in document.client_keys:
        yield from _unknown(f"{path}.team", "team", key.team, teams)
    for path, quota in document.quotas:
        if quota.client_key is not None and quota.team is not None:
            yield Problem(path, "A quota is on a client key or on a team, not on both.")
        yield from _unknown(f"{path}.client_key", "client key", quota.client_key, keys)
        yield from _unknown(f"{path}.team", "team", quota.team, teams)


def _owners(document: Document, known: Known) -> Iterator[Problem]:
    for path, key in document.client_keys:
        yield from _unknown(f"{path}.owner", "user", key.owner, known.owners)


def _redactions(document: Document, known: Known) -> Iterator[Problem]:
    """Patterns that are to be hidden and are not there, and too many of them."""
    patterns = known.patterns.union(pattern.name for _, pattern in document.redaction_patterns)
    unread = document.broken.get("redaction_patterns", set())
    count = len(patterns | unread)
    if count > MOST_PATTERNS:
        yield Problem(
            "redaction_patterns",
            f"There are {count} redaction patterns. At most {MOST_PATTERNS} are allowed, because "
            "each is looked for in every text: put some together as a|b.",
        )
    said = [(path, team.redaction) for path, team in document.teams]
    said += [(path, rule.redaction) for path, rule in document.rules]
    said += [(path, key.redaction) for path, key in document.client_keys]
    for path, redaction in said:
        try:
            redaction_text(redaction or "all", patterns, unread)
        except ValueError as error:
            yield Problem(f"{path}.redaction", str(error))


def _all(
    known: frozenset[str] | None, broken: set[str], named: Iterable[str]
) -> frozenset[str] | None:
    return None if known is None else known.union(broken, named)


def _unknown(
    path: str, noun: str, name: str | None, known: frozenset[str] | None
) -> Iterator[Problem]:
    if name is not None and known is not None and name not in known:
        yield Problem(path, f"There is no {noun} {name!r}.")
