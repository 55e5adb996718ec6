"""Workers know keys with their owner's name, so an owner who is renamed or goes renumbers them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from usage.models import ClientKey, LiveChange


def owner_saved(
    sender: object,
    instance: User,
    created: bool,
    update_fields: frozenset[str] | None = None,
    **_: Any,
) -> None:
    """A login saves the user too, but says that no name is among what it saves."""
    if not created and (update_fields is None or instance.USERNAME_FIELD in update_fields):
        _renumber(instance)


def owner_goes(sender: object, instance: User, **_: Any) -> None:
    """Runs in the transaction that takes the owner off the keys."""
    _renumber(instance)


def _renumber(user: User) -> None:
    owned = ClientKey.objects.filter(owner=user)
    if owned.exists():
        with transaction.atomic():
            owned.update(change=LiveChange.next())
