"""Issue, rotate and revoke client keys. The key itself is returned once and never kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from usage.keys import digest, make_key, well_formed
from usage.models import ClientKey, Team
from usage.patterns import pattern_problem

if TYPE_CHECKING:
    from django.contrib.auth.models import User

SHOWN_OF_THE_BEGINNING = 8
NOT_WELL_FORMED = (
    "The key is not well formed: it is pbk_, 32 letters or digits and a checksum of six. "
    "`manage.py issue_key` makes one."
)

IN_BRACKETS = "A name in brackets stands in the books for the gateway's own calls."


class KeyRefused(Exception):
    """A key that cannot be issued. `field` is the member at fault: name, models or secret."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def issue_key(
    name: str,
    *,
    team: Team | None = None,
    owner: User | None = None,
    models: Iterable[str] = ("*",),
    strict: bool = False,
    transcripts: str = "",
    transcript_share: Decimal | None = None,
    redaction: str = "",
    expires_at: datetime | None = None,
    secret: str | None = None,
    from_file: bool = False,
) -> tuple[ClientKey, str]:
    """A new ClientKey and the key that opens it: `secret`, or a generated one. Raises KeyRefused."""
    patterns = list(models)
    _check_name(name)
    _check_models(patterns)
    row = ClientKey(
        name=name,
        team=team,
        owner=owner,
        models_allowed=patterns,
        strict=strict,
        transcripts=transcripts,
        transcript_share=transcript_share,
        redaction=redaction,
        expires_at=expires_at,
        from_file=from_file,
    )
    key = make_key() if secret is None else secret
    with transaction.atomic():
        _take(row, key)
        row.save()
    return row, key


def rotate(row: ClientKey, secret: str | None = None) -> str:
    """Give a ClientKey another key; the old one ends at once, and a revoked one is valid again.

    Raises KeyRefused.
    """
    key = make_key() if secret is None else secret
    with transaction.atomic():
        _take(row, key)
        row.revoked_at = None
        row.save()
    return key


def revoke(row: ClientKey) -> None:
    """End a ClientKey for good. Revoking twice keeps the first time."""
    if row.revoked_at is None:
        row.revoked_at = timezone.now()
        row.save()


def opens(row: ClientKey, key: str) -> bool:
    """Whether `key` is the one that was issued for this row, under whichever pepper that was."""
    pepper = settings.KEY_PEPPERS.get(row.pepper_id)
    return pepper is not None and digest(pepper, key.encode()).hex() == row.digest


def _check_name(name: str) -> None:
    if not name or name != name.strip() or not name.isprintable() or len(name) > 80:
        raise KeyRefused(
            "name", "A key needs a name of at most 80 characters, without line breaks."
        )
    if name.startswith("("):
        raise KeyRefused("name", IN_BRACKETS)
    if ClientKey.objects.filter(name=name).exists():
        raise KeyRefused("name", f"There is a client key {name!r} already; choose another name.")


def _check_models(patterns: list[str]) -> None:
    if not patterns:
        raise KeyRefused("models", "A key needs at least one model; * allows any.")
    for pattern in patterns:
        problem = pattern_problem(pattern)
        if problem is not None:
            raise KeyRefused("models", problem)


def _take(row: ClientKey, key: str) -> None:
    """Keep what is kept of a key: digest, pepper, beginning and end."""
    if not well_formed(key.encode()):
        raise KeyRefused("secret", NOT_WELL_FORMED)
    digests = [digest(pepper, key.encode()).hex() for pepper in settings.KEY_PEPPERS.values()]
    taken = ClientKey.objects.filter(digest__in=digests).exclude(pk=row.pk).first()
    if taken is not None:
        raise KeyRefused("secret", f"The same key is in use already, as {taken.name!r}.")
    row.pepper_id = next(iter(settings.KEY_PEPPERS))
    row.digest = digests[0]
    row.prefix = key[:SHOWN_OF_THE_BEGINNING]
    row.last4 = key[-4:]
