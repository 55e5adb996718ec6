"""`bootstrap [--reset-admin] [--port PORT]`: make what a first run needs, and say once how to get in."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction

from proxyproject.address import serves_at
from proxyproject.first_run import Snippet, directory, keep, readme_start, snippets
from routing.apply import Applied
from routing.bootstrap import FIRST_KEY, Models, bootstrap, example_models

ADMIN = "admin"
NO_MODEL = Models("MODEL", "SMALL-MODEL")


class Command(BaseCommand):
    help = "Make an admin user, a demo provider and a client key, where they are not there yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--reset-admin", action="store_true", help=f"give the user {ADMIN} a new password"
        )
        parser.add_argument(
            "--port", type=int, help="which will be served; default: the one that was served last"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["port"] is not None:
            serves_at(options["port"])
        try:
            with transaction.atomic():
                password = _admin_password(reset=options["reset_admin"])
                applied = bootstrap(os.environ, demo=settings.DEMO)
        except DatabaseError as error:
            raise CommandError(
                f"The database cannot be used ({error}); type `{_manage('migrate')}` first."
            ) from None
        lines = _kept_lines(applied)
        if password is None and not applied.created:
            self._say_where()
        else:
            self._say_what(password, applied)
        for snippet in lines:
            self.stdout.write(f"\n--- {snippet.title} ---\n{snippet.text}")
        if lines:
            self.stdout.write(
                f"\nThese lines are kept in {_shown(directory(settings.VAR_DIR))}/.\n"
            )
        if lines and example_models() is None:
            self.stdout.write(f"Put names that your rules take for {' and '.join(NO_MODEL)}.\n")

    def _say_what(self, password: str | None, applied: Applied) -> None:
        say = self.stdout.write
        say(f"Admin       {settings.PUBLIC_URL}/admin/")
        if password is not None:
            say(f"User        {ADMIN}")
            say(f"Password    {password}   (shown once)")
        for _, key in applied.issued:
            say(f"Client key  {key}   (shown once)")
        for noun in applied.created:
            demo = " (built in, not a real model)" if noun == "provider demo" else ""
            say(f"Made {noun}{demo}.")

    def _say_where(self) -> None:
        say = self.stdout.write
        say(f"Set up already. Admin: {settings.PUBLIC_URL}/admin/")
        if directory(settings.VAR_DIR).is_dir():
            say(f"First lines to try: {_shown(directory(settings.VAR_DIR))}/")
        say(f"New admin password: {_manage('bootstrap --reset-admin')}")
        say(f"New client key:     {_manage('issue_key --name NAME')}")


def _admin_password(reset: bool) -> str | None:
    """A new password for the admin user, where there is no admin yet or a new one is wanted."""
    users = get_user_model()._default_manager
    if not reset and users.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(15)
    user, _ = users.get_or_create(username=ADMIN)
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(password)
    user.save()
    return password


def _kept_lines(applied: Applied) -> list[Snippet]:
    """The lines of a key that was just issued; they are written where a person finds them again."""
    if not applied.issued:
        return []
    [(_, key)] = applied.issued
    models = example_models() or NO_MODEL
    lines = snippets(settings.PUBLIC_URL, key, *models)
    keep(directory(settings.VAR_DIR), lines, _readme(lines))
    return lines


def _readme(lines: list[Snippet]) -> str:
    files = "\n".join(f"  {snippet.file:20} {snippet.title}" for snippet in lines)
    return (
        f"{readme_start(settings.PUBLIC_URL)}, while it is serving:\n\n{files}\n\n"
        f"They hold the client key {FIRST_KEY!r}, so keep them to yourself. Admin: "
        f"{settings.PUBLIC_URL}/admin/\n"
        f"New admin password: {_manage('bootstrap --reset-admin')}\n"
        f"New client key:     {_manage('issue_key --name NAME')}"
    )


def _shown(path: Path) -> str:
    """As short as it can be typed from the project's directory."""
    return str(
        path.relative_to(settings.BASE_DIR) if path.is_relative_to(settings.BASE_DIR) else path
    )


def _manage(command: str) -> str:
    """What to type, with the Python that runs this."""
    ours = Path(sys.prefix) == Path(settings.BASE_DIR) / ".venv"
    return f"{'.venv/bin/python' if ours else 'python'} manage.py {command}"
