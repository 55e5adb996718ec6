"""What a worker serves with now: replaced part by part, each by one assignment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routing.snapshot import EMPTY, Snapshot

if TYPE_CHECKING:
    from usage.keys import KeyRing
    from usage.quota import QuotaBook


@dataclass(slots=True)
class Live:
    """`in_flight` counts exchanges; `ready` says that keys and configuration were loaded;
    `out_of_date` that they could not be compared with the database for too long;
    `draining` that the process is going down and takes nothing new."""

    keys: KeyRing
    quotas: QuotaBook
    snapshot: Snapshot = field(default=EMPTY)
    in_flight: int = 0
    ready: bool = False
    out_of_date: bool = False
    draining: bool = False
