"""The Django app of the project itself: its templates, static files and commands."""

from __future__ import annotations

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "proxyproject"
    label = "patchbay_project"
    verbose_name = "Patchbay"
