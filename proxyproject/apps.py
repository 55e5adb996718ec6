"""The Django app of the project itself: its templates, static files and commands."""

from __future__ import annotations

from django.apps import AppConfig

from proxyproject.sparing import spare_database_driver, spare_test_tools

spare_test_tools()  # now, because the first of INSTALLED_APPS is this one and Ninja comes later


class ProjectConfig(AppConfig):
    name = "proxyproject"
    label = "patchbay_project"
    verbose_name = "Patchbay"

    def ready(self) -> None:
        """Comes before the admin loads: it is the first app that needs Unfold's forms."""
        spare_database_driver()
