"""Read a whole configuration: the file's or a published one. Names every mistake, not the first.

A published document has only `providers`, `redaction_patterns` and `rules`; the rest is live data.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from providers.problems import Problem
from routing.entries import (
    ClientKeyEntry,
    Entry,
    ProviderEntry,
    QuotaEntry,
    RedactionPatternEntry,
    RuleEntry,
    TeamEntry,
)
from routing.sentences import problems_of

SECTIONS = ("providers", "redaction_patterns", "teams", "rules", "client_keys", "quotas")
SomeEntry = TypeVar("SomeEntry", bound=Entry)


class Placed(NamedTuple, Generic[SomeEntry]):
    """An entry and the path at which it stands."""

    path: str
    entry: SomeEntry


@dataclass(slots=True)
class Document:
    """The entries that could be read.

    `broken` are the names of the others, by section: nothing that refers to one is told that it
    does not exist.
    """

    providers: list[Placed[ProviderEntry]] = field(default_factory=list)
    redaction_patterns: list[Placed[RedactionPatternEntry]] = field(default_factory=list)
    teams: list[Placed[TeamEntry]] = field(default_factory=list)
    rules: list[Placed[RuleEntry]] = field(default_factory=list)
    client_keys: list[Placed[ClientKeyEntry]] = field(default_factory=list)
    quotas: list[Placed[QuotaEntry]] = field(default_factory=list)
    broken: dict[str, set[str]] = field(default_factory=dict)


def read(document: object) -> tuple[Document, list[Problem]]:
    """The entries, and everything that is wrong with them."""
    if not isinstance(document, dict):
        return Document(), [Problem("", "A configuration is a mapping with providers, rules, …")]
    problems = [
        Problem(str(name), f"There is no member {name!r} here; there are {', '.join(SECTIONS)}.")
        for name in document
        if name not in SECTIONS
    ]
    reader = _Reader(document, problems)
    return (
        Document(
            providers=reader.section("providers", ProviderEntry),
            redaction_patterns=reader.section("redaction_patterns", RedactionPatternEntry),
            teams=reader.section("teams", TeamEntry),
            rules=reader.section("rules", RuleEntry),
            client_keys=reader.section("client_keys", ClientKeyEntry),
            quotas=reader.section("quotas", QuotaEntry),
            broken=reader.broken,
        ),
        problems,
    )


class _Reader:
    """Reads section after section and collects what is wrong."""

    def __init__(self, document: dict[Any, Any], problems: list[Problem]) -> None:
        self._document = document
        self._problems = problems
        self.broken: dict[str, set[str]] = {name: set() for name in SECTIONS}

    def section(self, name: str, kind: type[SomeEntry]) -> list[Placed[SomeEntry]]:
        entries = self._document.get(name)
        if entries is None:
            return []
        if not isinstance(entries, list):
            self._problems.append(Problem(name, "This must be a list."))
            return []
        placed = []
        for index, data in enumerate(entries):
            entry = self._entry(f"{name}[{index}]", kind, data)
            if entry is not None:
                placed.append(Placed(f"{name}[{index}]", entry))
            elif isinstance(data, dict):
                self.broken[name].add(str(data.get("name")))
        return placed

    def _entry(self, path: str, kind: type[SomeEntry], data: Any) -> SomeEntry | None:
        """One entry; a malformed one without its mistakes, so that the rest is checked as well."""
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            self._problems += problems_of(error, kind, path)
            rest = _without(data, [detail["loc"] for detail in error.errors()])
        try:
            return kind.model_validate(rest)
        except ValidationError:
            return None


def _without(data: Any, places: list[tuple[int | str, ...]]) -> Any:
    """A copy without the members at `places`."""
    copy = deepcopy(data)
    for place in places:
        parent = copy
        for step in place[:-1]:
            parent = parent[step] if _has(parent, step) else None
        if place and isinstance(parent, dict):
            parent.pop(place[-1], None)
    return copy


def _has(parent: Any, step: int | str) -> bool:
    if isinstance(parent, dict):
        return step in parent
    return isinstance(parent, list) and isinstance(step, int) and step < len(parent)
