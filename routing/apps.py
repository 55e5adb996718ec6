"""The Django app of this room."""

from __future__ import annotations

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"
    label = "patchbay_routing"
    verbose_name = "Routing"
