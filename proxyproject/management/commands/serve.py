"""Serve the gateway and the admin."""

from __future__ import annotations

import logging
import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from proxyproject.address import remember_port, serves_at
from proxyproject.first_run import directory, readdress
from proxyproject.log_transcripts import places_in_use
from proxyproject.logs import outputs
from proxyproject.server import CannotListen, Server, configured, drain_from_settings, listen
from proxyproject.supervisor import supervise
from routing.workers import serving, this_process
from usage.models import Quota

MOST_WORKERS = 64

log = logging.getLogger("patchbay.server")


class Command(BaseCommand):
    help = "Serve the gateway and the admin until SIGTERM or Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help="processes, usually one a core")
        parser.add_argument("--check", action="store_true", help="only try the address, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        workers: int = options["workers"]
        if not 1 <= workers <= MOST_WORKERS:
            raise CommandError(f"--workers must be between 1 and {MOST_WORKERS}.")
        try:
            listener = listen(options["host"], options["port"])
        except CannotListen as error:
            raise CommandError(str(error)) from None
        with listener:
            if not options["check"]:
                _check_logs()
                _check_database(workers)
                _remember(listener)
                _serve(listener, workers)


def _check_logs() -> None:
    """Once for all workers, and before they are there. Raises ImproperlyConfigured."""
    made = outputs()
    made.check(*places_in_use(made.options))


def _remember(listener: socket.socket) -> None:
    """Pages, the lines that are kept, and the commands that come later name the port that is served now."""
    port: int = listener.getsockname()[1]
    remember_port(settings.VAR_DIR, port)
    serves_at(port)
    readdress(directory(settings.VAR_DIR), settings.PUBLIC_URL)


def _serve(listener: socket.socket, workers: int) -> None:
    config = configured(workers)
    if workers == 1:
        Server(config, drain_from_settings()).run([listener])
    else:
        supervise(config, listener)


def _check_alone(workers: int) -> None:
    """Refuse a second process that would count the same quotas for itself."""
    if workers > 1:
        raise CommandError(
            "Quotas are counted in one process so far; serve with --workers 1 or delete them."
        )
    others = serving() - {this_process()}
    if others:
        named = ", ".join(f"{pid} on {host}" for host, pid in sorted(others))
        raise CommandError(
            "Quotas are counted in one process so far, and another one is serving already "
            f"({named}). Stop it first; what was killed is forgotten after 15 seconds."
        )


def _check_database(workers: int) -> None:
    """Refuse what cannot work. Without its database the gateway serves what it knows from before."""
    try:
        if Quota._meta.db_table not in connection.introspection.table_names():
            raise CommandError("The database has no tables yet; type `manage.py migrate`.")
        if Quota.objects.exists():
            _check_alone(workers)
    except DatabaseError as error:
        log.warning("the database cannot be reached: %s", error)
    finally:
        connection.close()
