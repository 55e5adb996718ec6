"""Where the gateway was served last: what commands and pages name while PUBLIC_URL is not set."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from django.conf import settings

USUAL_PORT = 8000
FILE = "port"


def last_address(directory: Path) -> str:
    """The address on this machine."""
    try:
        port = int((directory / FILE).read_text())
    except (OSError, ValueError):
        port = USUAL_PORT
    return local_address(port)


def local_address(port: int) -> str:
    return f"http://localhost:{port}"


def serves_at(port: int) -> None:
    """Have settings.PUBLIC_URL name this port, unless somebody has set it."""
    if not os.environ.get("PUBLIC_URL"):
        settings.PUBLIC_URL = local_address(port)


def remember_port(directory: Path, port: int) -> None:
    """Where nothing can be written, nothing is remembered."""
    with contextlib.suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / FILE).write_text(f"{port}\n")
