"""Watches an answer and reports its usage; never alters it, never raises into it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from math import ceil
from typing import TYPE_CHECKING

from providers.wire.watch import Sight

if TYPE_CHECKING:
    from providers.wire.events import Event
    from providers.wire.model import Usage
    from providers.wire.watch import Watcher

BYTES_PER_TOKEN = 4

log = logging.getLogger("patchbay.meter")


def estimate_tokens(size: int) -> int:
    """Tokens of `size` bytes of text: four bytes a token, which is roughly right for English."""
    return ceil(size / BYTES_PER_TOKEN)
