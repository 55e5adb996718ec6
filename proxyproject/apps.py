"""The Django app of the project itself: its templates, static files and commands."""

from __future__ import annotations

from django.apps import AppConfig

from proxyproject.sparing import spare_database_driver, spare_health_checks, spare_test_tools

spare_test_tools()  # now, because this app is the first of ours, and Ninja comes later
spare_health_checks()


class ProjectConfig(AppConfig):
    name = "proxyproject"
    label = "patchbay_project"
    verbose_name = "Patchbay"

    def ready(self) -> None:
        """Comes before the admin loads: it is the first app that needs Unfold's forms."""
        spare_database_driver()
