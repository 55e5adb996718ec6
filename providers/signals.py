"""The word that provider rows changed, for rooms above that publish them."""

from __future__ import annotations

from django.dispatch import Signal

configuration_changed = Signal()
"""Sent inside the transaction of the change, with `author` (a user or None) and `note`.

A receiver raises DocumentInvalid where the change cannot work; send it with `send`, so that this
reaches whoever made the change.
"""
