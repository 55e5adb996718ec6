"""The Django app of this room: hears of changed rows and publishes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.db.models.signals import post_save, pre_delete

from providers.signals import configuration_changed, refusals_wanted

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class RoutingConfig(AppConfig):
    name = "routing"
    label = "patchbay_routing"
    verbose_name = "Routing"

    def ready(self) -> None:
        from routing.guard import (
            keep_pattern_that_is_named,
            keep_what_rules_name,
            quota_objection,
        )
        from usage.models import ClientKey, RedactionPattern, Team
        from usage.signals import quota_proposed

        configuration_changed.connect(_publish, dispatch_uid="patchbay.publish")
        refusals_wanted.connect(_refusing, dispatch_uid="patchbay.refusals")
        quota_proposed.connect(quota_objection, dispatch_uid="patchbay.quota")
        pre_delete.connect(
            keep_pattern_that_is_named, RedactionPattern, dispatch_uid="patchbay.guard.pattern"
        )
        for kind in (Team, ClientKey):
            pre_delete.connect(keep_what_rules_name, kind, dispatch_uid=f"patchbay.guard.{kind}")
            post_save.connect(_publish_names, kind, dispatch_uid=f"patchbay.names.{kind}")


def _publish(sender: object, author: User | None = None, note: str = "", **_: Any) -> None:
    from routing.publish import publish

    publish(author, note)


def _refusing(**_: Any) -> list[str]:
    from usage.panels import refusing_providers

    return refusing_providers()


def _publish_names(sender: object, instance: Any, created: bool, **_: Any) -> None:
    """Published rules hold the names of teams and keys, so a new name is a new version."""
    from routing.models import Rule
    from routing.publish import publish
    from usage.models import Team

    relation = "match_teams" if isinstance(instance, Team) else "match_keys"
    if not created and Rule.objects.filter(**{relation: instance}).exists():
        publish(note=f"{instance} was changed")
