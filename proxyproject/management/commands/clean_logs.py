"""Remove rotated log files that are past their count or their age."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from proxyproject.log_outputs import Options


class Command(BaseCommand):
    help = "Remove rotated log files beyond LOG_BACKUP_COUNT or LOG_MAX_AGE_DAYS. A server does so itself."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        dry: bool = options["dry_run"]
        values: dict[str, Any] = settings.LOGGING
        segments, now = Options(**values).segments, time.time()
        try:
            found = segments.superfluous(now) if dry else segments.clean(now)
        except OSError as error:
            raise CommandError(f"The log files cannot be removed: {error}") from None
        verb = "would remove" if dry else "removed"
        for path, size, why in found:
            self.stdout.write(f"{verb} {path} ({size} bytes, {why})")
        freed, (kept, files) = sum(size for _, size, _ in found), segments.size()
        self.stdout.write(f"{verb} {_files(len(found))}, {freed} bytes")
        if dry:
            kept, files = kept - freed, files - len(found)
        self.stdout.write(f"{_files(files)} of {segments.path} stay, {kept} bytes")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
