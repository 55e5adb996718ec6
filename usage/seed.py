"""What the books hold for a quota's current window, so that a restart keeps what was spent.

Read from rollups, which know keys by name: after a rename, what the key spent under its old name
in this window is not found.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db.models import Sum

from usage.models import ClientKey, UsageRollup
from usage.quota import Limit, window_of


def spent(limit: Limit, now: float) -> int:
    """Requests that were let in, or nano-dollars, in the window of `limit` that holds `now`."""
    start, _ = window_of(limit.window, now)
    grain = UsageRollup.Grain.MINUTE if limit.window == "minute" else UsageRollup.Grain.HOUR
    rows = UsageRollup.objects.filter(grain=grain, bucket__gte=datetime.fromtimestamp(start, UTC))
    if limit.key_id is not None:
        rows = rows.filter(client_key_name=_key_name(limit.key_id))
    elif limit.team:
        rows = rows.filter(team_name=limit.team)
    if limit.metric == "requests":
        rows = rows.exclude(outcome="refused")
    column = "requests" if limit.metric == "requests" else "cost_nano"
    total: int | None = rows.aggregate(total=Sum(column))["total"]
    return total or 0


def _key_name(key_id: int) -> str:
    name = ClientKey.objects.filter(pk=key_id).values_list("name", flat=True).first()
    return name or ""
