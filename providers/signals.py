"""What this room says to the rooms above it, and asks of them."""

from __future__ import annotations

from django.dispatch import Signal

configuration_changed = Signal()
"""Sent inside the transaction of the change, with `author` (a user or None) and `note`.

A receiver raises DocumentInvalid where the change cannot work; send it with `send`, so that this
reaches whoever made the change.
"""

refusals_wanted = Signal()
"""Who refused our credential of late? A receiver returns names of Providers, as the books have it."""
