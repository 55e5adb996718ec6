"""`apply_config FILE [--prune]`: bring the configuration to what a file says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from providers.problems import DocumentInvalid
from routing.apply import Applied, apply
from routing.publish import standing_problems
from routing.yaml_text import parse


class Command(BaseCommand):
    help = "Apply a configuration file: upsert by name, in one transaction."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a YAML file; - reads standard input")
        parser.add_argument(
            "--prune", action="store_true", help="remove what a file once made and names no more"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: str = options["file"]
        try:
            applied = apply(
                parse(_text(path)) or {},
                prune=options["prune"],
                note="Applied standard input" if path == "-" else f"Applied {Path(path).name}",
            )
        except DocumentInvalid as error:
            count = len(error.problems)
            mistakes = "1 mistake" if count == 1 else f"{count} mistakes"
            lines = [f"Nothing was changed: {path} has {mistakes}."]
            raise CommandError(
                "\n  ".join(lines + [str(problem) for problem in error.problems])
            ) from None
        self._report(applied)
        for problem in standing_problems():
            self.stderr.write(self.style.WARNING(f"Warning: {problem}"))

    def _report(self, applied: Applied) -> None:
        for verb, nouns in (
            ("Created", applied.created),
            ("Changed", applied.changed),
            ("Removed", applied.pruned),
        ):
            for noun in nouns:
                self.stdout.write(f"{verb} {noun}.")
        if not (applied.created or applied.changed or applied.pruned):
            self.stdout.write("Nothing to change.")
        if applied.version is not None:
            self.stdout.write(f"Published version {applied.version}.")
        for name, key in applied.issued:
            self.stdout.write(f"The key of {name}, shown only now: {key}")


def _text(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
