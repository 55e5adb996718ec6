"""Publish: working rows become one immutable ConfigVersion, in the transaction of their change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.db import transaction

from providers.problems import DocumentInvalid, Problem
from providers.secrets import open_secret
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
        before = newest()
        if document == (before.document if before else {"providers": [], "rules": []}):
            return None
        _check(document)
        return ConfigVersion.objects.create(
            document=document, author=author, note=note[:LONGEST_NOTE]
        )


def _check(document: dict[str, Any]) -> None:
    """Raise DocumentInvalid, with names in the paths where a file would have numbers."""
    try:
        compile_document(document, open_secret)
    except DocumentInvalid as error:
        raise DocumentInvalid(_named(problem, document) for problem in error.problems) from None


def _named(problem: Problem, document: dict[str, Any]) -> Problem:
    """`rules[3].targets` is `rules[default].targets` to somebody who sees rows, not a file."""
    found = re.match(r"(providers|rules)\[(\d+)\]", problem.path)
    if found is None:
        return problem
    name = document[found[1]][int(found[2])]["name"]
    return Problem(f"{found[1]}[{name}]{problem.path[found.end() :]}", problem.message)


def newest() -> ConfigVersion | None:
    """The version that workers serve, or are about to."""
    return ConfigVersion.objects.order_by("-number").first()


def hold_publishing() -> None:
    """Make other publishers wait until this transaction ends.

    Otherwise two could each publish without the rows of the other, and the version that misses a
    change would stay the newest one.
    """
    LiveChange.objects.select_for_update().get_or_create(pk=1)
