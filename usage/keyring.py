"""Load client keys and quotas from the database: keys only where their change number is new."""

from __future__ import annotations

from typing import NamedTuple

from usage.keys import Caller, unix
from usage.models import ClientKey, LiveChange, Quota
from usage.quota import Limit
from usage.transcript_fields import TranscriptFields
from usage.transcripts.policy import Override, override

ROWS_AT_ONCE = 2000
NANO = 1_000_000_000


class Changes(NamedTuple):
    """What is new since a change number.

    `callers` are (digest, Caller) of new and changed keys, `total` is how many keys exist (fewer
    than are held then: rows were deleted, and `all_ids` says which are left); `limits` are all quotas.
    """

    number: int
    callers: list[tuple[bytes, Caller]]
    total: int
    limits: list[Limit]


def change_number() -> int:
    """The number of the newest change of keys, teams or quotas."""
    row = LiveChange.objects.filter(pk=1).values_list("number", flat=True).first()
    return row or 0


def load(since: int) -> Changes | None:
    """Everything that changed after `since`; None if nothing did. -1 loads all there is."""
    number = change_number()
    if number == since:
        return None
    limits = [_limit(quota) for quota in Quota.objects.select_related("team")]
    rows = ClientKey.objects.filter(change__gt=since).select_related("team", "owner")
    callers = [(bytes.fromhex(row.digest), _caller(row)) for row in rows.iterator(ROWS_AT_ONCE)]
    return Changes(number, callers, ClientKey.objects.count(), limits)


def all_ids() -> frozenset[int]:
    return frozenset(ClientKey.objects.values_list("pk", flat=True))


def _caller(row: ClientKey) -> Caller:
    return Caller(
        id=row.pk,
        name=row.name,
        team=row.team.name if row.team else "",
        owner=row.owner.get_username() if row.owner else "",
        models=tuple(row.models_allowed),
        strict=row.strict,
        expires_at=unix(row.expires_at),
        revoked=row.revoked_at is not None,
        transcripts=_override(row),
        team_transcripts=_override(row.team) if row.team else None,
    )


def _override(row: TranscriptFields) -> Override | None:
    return override(row.transcripts, row.transcript_share, row.redaction)


def _limit(row: Quota) -> Limit:
    """Amounts in whole requests or nano-dollars."""
    scale = NANO if row.metric == Quota.Metric.COST else 1
    return Limit(
        id=row.pk,
        metric=row.metric,
        window=row.window,
        amount=int(row.amount * scale),
        key_id=row.client_key_id,
        team=row.team.name if row.team is not None else "",
        team_id=row.team_id,
    )
