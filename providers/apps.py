"""The Django app of this room."""

from __future__ import annotations

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "providers"
    label = "patchbay_providers"
    verbose_name = "Providers"
