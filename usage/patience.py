"""How long a PostgreSQL server that vanished without a word is waited for: about ten seconds."""

from __future__ import annotations

from typing import Any

PATIENCE: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Of every connection, so that a network that swallows packets freezes neither keys nor books."""
