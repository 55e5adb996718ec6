"""The Django app of this room."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save, pre_delete

if TYPE_CHECKING:
    from usage.transcripts.embedded import Embed


class UsageConfig(AppConfig):
    name = "usage"
    label = "patchbay_usage"
    verbose_name = "Usage"

    embed: Embed
    """What asks the embedding model; given by the project, for this room knows no providers."""
    hide: Callable[[str], str]
    """Takes secrets out of a text; given by the project, where those of this process are known."""

    def ready(self) -> None:
        from usage.owners import owner_goes, owner_saved

        user = settings.AUTH_USER_MODEL
        post_save.connect(owner_saved, user, dispatch_uid="patchbay.owner_saved")
        pre_delete.connect(owner_goes, user, dispatch_uid="patchbay.owner_goes")
