"""Django's command line, whose failures to start end in a sentence: no traceback, status 2."""

from __future__ import annotations

import signal
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, connection

from proxyproject.logs import flush_before_end

CANNOT_START = 2


def run(arguments: list[str]) -> None:
    """Run a command; `--traceback` shows where it failed all the same."""
    signal.signal(signal.SIGTERM, flush_before_end)
    try:
        execute_from_command_line(arguments)
    except (ImproperlyConfigured, OperationalError) as error:
        if "--traceback" in arguments:
            raise
        sentence = str(error) if isinstance(error, ImproperlyConfigured) else _why_not(error)
        sys.stderr.write(f"{sentence}\n")
        sys.exit(CANNOT_START)


def _why_not(error: OperationalError) -> str:
    """Why the database cannot be used. The pool says no more than that its patience ended."""
    reason: Exception = error
    if type(error.__cause__).__name__ == "PoolTimeout":
        backend: Any = connection
        try:
            backend.Database.connect(**backend.get_connection_params()).close()
        except backend.Database.Error as refused:
            reason = refused
    return f"The database cannot be used: {str(reason).strip()}"
