"""Secrets as a configuration file gives them: checked, resolved, or kept as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from providers.problems import Problem
from providers.secrets import (
    SEALED,
    SecretMissing,
    binding,
    is_reference,
    last4,
    open_secret,
    reference_problem,
    seal,
    secret_problem,
)
from routing.document import Document
from usage.issue import NOT_WELL_FORMED
from usage.keys import well_formed


class Kept(NamedTuple):
    """What a Credential keeps: the stored form and the end that may be shown."""

    stored: str
    last4: str


def credential_secret(given: str | None, stored: str, last: str, bound_to: str) -> Kept:
    """What to keep, given a file's secret. None keeps what is there, and so does the same text."""
    if given is None or given == stored:
        return Kept(stored, last)
    if is_reference(given):
        return Kept(given, "")
    plain = open_secret(given, bound_to) if given.startswith(SEALED) else given
    if stored.startswith(SEALED) and _opened(stored, bound_to) == plain:
        return Kept(stored, last)
    return Kept(given if given.startswith(SEALED) else seal(plain, bound_to), last4(plain))


def credential_problems(document: Document, stored: Mapping[str, str]) -> list[Problem]:
    """What is wrong with the secrets of credentials. `stored` is what those that exist have."""
    problems = []
    for path, provider in document.providers:
        for index, credential in enumerate(provider.credentials):
            bound_to = binding(provider.name, credential.label)
            problem = _problem(credential.secret, stored.get(bound_to), bound_to)
            if problem is not None:
                problems.append(Problem(f"{path}.credentials[{index}].secret", problem))
    return problems


def client_keys(document: Document) -> tuple[dict[str, str], list[Problem]]:
    """The keys that the file gives to client keys, by name: references are resolved now, once."""
    found: dict[str, str] = {}
    problems = []
    for path, entry in document.client_keys:
        if entry.secret is None:
            continue
        try:
            key = open_secret(entry.secret, "") if is_reference(entry.secret) else entry.secret
        except SecretMissing as error:
            problems.append(Problem(f"{path}.secret", error.sentence))
            continue
        if not well_formed(key.encode()):
            problems.append(Problem(f"{path}.secret", NOT_WELL_FORMED))
        found[entry.name] = key
    return found, problems


def _problem(given: str | None, stored: str | None, bound_to: str) -> str | None:
    """Why a secret cannot be kept; None if it can. One that is stored already is left as it is."""
    if given is None and stored is None:
        return "A new credential needs a secret: env:NAME, file:PATH or the text."
    if given is None or given == stored:
        return None
    if is_reference(given):
        return reference_problem(given)
    if given.startswith(SEALED):
        try:
            open_secret(given, bound_to)
        except SecretMissing as error:
            return error.sentence
        return None
    return secret_problem(given) if given else "A secret must not be empty."


def _opened(stored: str, bound_to: str) -> str | None:
    try:
        return open_secret(stored, bound_to)
    except SecretMissing:
        return None
