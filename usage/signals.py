"""What this room asks of the rooms above it."""

from __future__ import annotations

from django.dispatch import Signal

quota_proposed = Signal()
"""Somebody wants a limit that was not there. A receiver returns a sentence if it cannot be kept."""


def objections() -> list[str]:
    """Why no limit can be added now."""
    return [text for _, text in quota_proposed.send(sender=None) if text]
