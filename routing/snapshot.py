"""A ConfigVersion compiled for the hot path; immutable, and swapped whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.table import RouteTable


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`number` is the ConfigVersion's, 0 before anything was published.

    `places` are the base URLs that it may call and whether each may be private.
    `problems` name what could not be compiled while the rest serves. `secrets` are the providers',
    in plain text, so that no log shows them.
    """

    number: int
    table: RouteTable
    places: Mapping[str, bool]
    problems: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


EMPTY = Snapshot(0, RouteTable(()), {})
