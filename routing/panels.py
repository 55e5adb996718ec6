"""What the home page says of routing: which version serves, and which rules serve nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from routing.models import ConfigVersion, Rule, Target, Worker
from routing.reading import never_reached

WORKER_IS_GONE_AFTER = timedelta(seconds=30)


class Serving(NamedTuple):
    """The newest version, and on how many of the living workers it serves."""

    version: int
    workers: int
    up_to_date: int


def serving() -> Serving:
    newest = ConfigVersion.objects.values_list("number", flat=True).first() or 0
    since = timezone.now() - WORKER_IS_GONE_AFTER
    served = Worker.objects.filter(heartbeat_at__gte=since).values_list("config_version", flat=True)
    return Serving(newest, len(served), sum(number >= newest for number in served))


def unreached() -> list[tuple[Rule, Rule]]:
    """(rule, the one above that takes all of its requests)."""
    rules = Rule.objects.order_by("priority", "name").prefetch_related("match_teams", "match_keys")
    return never_reached(rules)


def idle() -> QuerySet[Rule]:
    """Rules that are on while nothing that they lead to is."""
    usable = Target.objects.filter(
        rule=OuterRef("pk"),
        weight__gt=0,
        deployment__enabled=True,
        deployment__provider__enabled=True,
    )
    return Rule.objects.filter(~Exists(usable), enabled=True)


def any_rule() -> bool:
    return Rule.objects.filter(enabled=True).exists()
