"""What changed between two published documents, entry by entry, for people to read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from providers.adapters.registry import ADAPTERS

SECTIONS = {
    "providers": "Provider",
    "redaction_patterns": "Redaction pattern",
    "rules": "Rule",
}
IDENTITY = ("name", "label", "provider", "model", "tier")
THERE = "there"
REFERENCES = ("env:", "file:")
WORDS = {
    "adapter": "vendor",
    "base_url": "base URL",
    "transcript_share": "share kept",
    "redaction": "personal data hidden",
}
"""Members whose word on the pages is another one."""


class Line(NamedTuple):
    """One member. A side that was not there is empty; an entry as a whole is `there`."""

    path: str
    before: str
    after: str

    @property
    def added(self) -> bool:
        return self.after == THERE

    @property
    def removed(self) -> bool:
        return self.before == THERE


class Difference(NamedTuple):
    """One provider or rule that was added, changed or removed, with the members that differ."""

    kind: str
    noun: str
    name: str
    lines: tuple[Line, ...]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Entries are known by their names, so one more rule is one more rule. Secrets are not shown."""
    return [
        found
        for section, noun in SECTIONS.items()
        for found in _of_section(noun, before.get(section, []), after.get(section, []))
    ]


def _of_section(noun: str, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    old = {entry["name"]: entry for entry in before}
    new = {entry["name"]: entry for entry in after}
    for name in [*new, *(name for name in old if name not in new)]:
        was, now = old.get(name), new.get(name)
        if was != now:
            kind = "Changed" if was and now else "Added" if now else "Removed"
            yield Difference(kind, noun, name, _lines(was or {}, now or {}))


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Line, ...]:
    old, new = dict(_members((), before)), dict(_members((), after))
    paths = [*old, *(path for path in new if path not in old)]
    return tuple(
        Line(
            " › ".join(_word(step) for step in path),
            _shown(path, old.get(path)),
            _shown(path, new.get(path), path in old),
        )
        for path in paths
        if old.get(path) != new.get(path)
    )


def _members(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every value with its path. What identifies an entry of a list is in the path already."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            if not (path and name in IDENTITY and path[-1] == _identity(value)):
                yield from _members((*path, name), member)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for member in value:
            yield (*path, _identity(member)), THERE
            yield from _members((*path, _identity(member)), member)
    elif isinstance(value, list):
        yield path, ", ".join(map(str, value))
    elif path != ("name",):
        yield path, ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _word(step: str) -> str:
    return WORDS.get(step, step.replace("_", " "))


def _identity(entry: Mapping[str, Any]) -> str:
    return " · ".join(
        f"tier {entry[name]}" if name == "tier" else str(entry[name])
        for name in IDENTITY
        if name in entry
    )


def _shown(path: tuple[str, ...], value: str | None, replaced: bool = False) -> str:
    if value is None:
        return ""
    if path == ("adapter",):
        return ADAPTERS[value].label if value in ADAPTERS else value
    if path[-1] != "secret" or value.startswith(REFERENCES):
        return value
    return "another encrypted secret" if replaced else "an encrypted secret"
