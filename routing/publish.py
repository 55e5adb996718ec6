"""Publish: working rows become one immutable ConfigVersion, in the transaction of their change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.db import transaction

from providers.problems import DocumentInvalid, Problem
from providers.secrets import SEALED, SecretMissing, binding, open_secret
from routing.compile import compile_document
from routing.models import ConfigVersion
from routing.rows import published_part
from usage.models import LiveChange

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LONGEST_NOTE = 200


def publish(author: User | None = None, note: str = "") -> ConfigVersion | None:
    """The new version; None if the rows say what the newest one says already.

    Raises DocumentInvalid if the rows cannot work, and the caller's transaction must not commit.
    """
    with transaction.atomic():
        hold_publishing()
        document = published_part()
        latest = newest()
        before = latest.document if latest else {"providers": [], "rules": []}
        if document == before:
            return None
        _check(document)
        _check_secrets(document, before)
        return ConfigVersion.objects.create(
            document=document, author=author, note=note[:LONGEST_NOTE]
        )


def _check(document: dict[str, Any]) -> None:
    """Raise DocumentInvalid, with names in the paths where a file would have numbers."""
    try:
        compile_document(document, open_secret)
    except DocumentInvalid as error:
        raise DocumentInvalid(_named(problem, document) for problem in error.problems) from None


def _check_secrets(document: dict[str, Any], before: dict[str, Any]) -> None:
    """Refuse a change by which an encrypted secret stops opening.

    One that did not open before stands in nobody's way: a key of the ring was lost, say.
    """
    shut = _shut(document)
    if shut:
        known = _shut(before)
        stopped = [problem for stored, problem in shut.items() if stored not in known]
        if stopped:
            raise DocumentInvalid(stopped)


def _shut(document: dict[str, Any]) -> dict[str, Problem]:
    """What is wrong with encrypted secrets that do not open where they stand, by ciphertext."""
    found = {}
    for provider in document["providers"]:
        for credential in provider.get("credentials", ()):
            name, label, stored = provider["name"], credential["label"], credential.get("secret")
            if stored and stored.startswith(SEALED):
                try:
                    open_secret(stored, binding(name, label))
                except SecretMissing as missing:
                    path = f"providers[{name}].credentials[{label}].secret"
                    found[stored] = Problem(path, missing.sentence)
    return found


def _named(problem: Problem, document: dict[str, Any]) -> Problem:
    """`rules[3].targets` is `rules[default].targets` to somebody who sees rows, not a file."""
    found = re.match(r"(providers|redaction_patterns|rules)\[(\d+)\]", problem.path)
    if found is None:
        return problem
    name = document[found[1]][int(found[2])]["name"]
    return Problem(f"{found[1]}[{name}]{problem.path[found.end() :]}", problem.message)


def standing_problems() -> tuple[str, ...]:
    """What of the newest version cannot serve here and now, while the rest does."""
    version = newest()
    return compile_document(version.document, open_secret).problems if version else ()


def newest() -> ConfigVersion | None:
    """The version that workers serve, or are about to."""
    return ConfigVersion.objects.order_by("-number").first()


def hold_publishing() -> None:
    """Make other publishers wait until this transaction ends.

    Otherwise two could each publish without the rows of the other, and the version that misses a
    change would stay the newest one.
    """
    LiveChange.objects.select_for_update().get_or_create(pk=1)
