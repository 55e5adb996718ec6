"""The Django app of this room."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save, pre_delete


class UsageConfig(AppConfig):
    name = "usage"
    label = "patchbay_usage"
    verbose_name = "Usage"

    def ready(self) -> None:
        from usage.owners import owner_goes, owner_saved

        user = settings.AUTH_USER_MODEL
        post_save.connect(owner_saved, user, dispatch_uid="patchbay.owner_saved")
        pre_delete.connect(owner_goes, user, dispatch_uid="patchbay.owner_goes")
