"""The Django app of the project itself: its templates, static files and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.apps import AppConfig, apps

from proxyproject.sparing import spare_database_driver, spare_health_checks, spare_test_tools

spare_test_tools()  # now, because this app is the first of ours, and Ninja comes later
spare_health_checks()

if TYPE_CHECKING:
    from routing.embedding import Embedder
    from usage.apps import UsageConfig


class ProjectConfig(AppConfig):
    name = "proxyproject"
    label = "patchbay_project"
    verbose_name = "Patchbay"

    embedder: Embedder

    def ready(self) -> None:
        """Comes before the admin loads: it is the first app that needs Unfold's forms."""
        spare_database_driver()
        self._give_usage()

    def _give_usage(self) -> None:
        """What its pages of search need from rooms that it may not know."""
        from proxyproject.logs import hide
        from routing.embedding import Embedder

        self.embedder = Embedder(hide)
        usage = cast("UsageConfig", apps.get_app_config("patchbay_usage"))
        usage.embed, usage.hide = self.embedder, hide
