"""The Django app of this room."""

from __future__ import annotations

from django.apps import AppConfig


class UsageConfig(AppConfig):
    name = "usage"
    label = "patchbay_usage"
    verbose_name = "Usage"
