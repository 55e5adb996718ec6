"""Remove rotated log files, and transcripts in the database, that are past their count or their age."""

from __future__ import annotations

import time
from contextlib import closing
from math import inf
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from proxyproject.log_file import LogFile
from proxyproject.log_outputs import Options
from proxyproject.log_segments import Segments
from proxyproject.log_transcripts import segments_of
from usage.log_lock import seconds
from usage.store import open_store, own_connection
from usage.transcripts.database import TranscriptTable

WAIT_SECONDS = 30.0


class Command(BaseCommand):
    help = (
        "Remove rotated files of log and transcripts beyond LOG_BACKUP_COUNT or LOG_MAX_AGE_DAYS, and "
        "transcripts in the database beyond TRANSCRIPT_DAYS. A server does so itself."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")
        parser.add_argument(
            "--wait",
            type=seconds,
            default=WAIT_SECONDS,
            metavar="SECONDS",
            help=f"how long for another process that holds a file; default: {WAIT_SECONDS:g}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        dry: bool = options["dry_run"]
        self._wait: float = options["wait"]
        self._until: float = time.monotonic() + self._wait
        values: dict[str, Any] = settings.LOGGING
        log = Options(**values)
        verb = "would remove" if dry else "removed"
        self._clean_files(LogFile(log.segments, log.max_bytes), log.segments, dry, verb)
        transcripts = segments_of(log)
        if transcripts.size()[1]:  # most keep none
            self._clean_files(LogFile(transcripts, log.max_bytes), transcripts, dry, verb)
        self._clean_database(dry, verb)

    @property
    def _left(self) -> float:
        """Of the seconds for all files together."""
        return max(0.0, self._until - time.monotonic())

    def _clean_files(self, file: LogFile, segments: Segments, dry: bool, verb: str) -> None:
        now = time.time()
        try:
            if dry:
                found = segments.superfluous(now, file.idle_since())
            else:
                file.rotate_idle(self._left)
                found = segments.clean(now, self._left)
        except BlockingIOError as error:
            raise CommandError(
                f"The log files cannot be removed: another process holds {error.filename}. End it, or wait "
                f"for it longer than {self._wait:g} seconds with --wait."
            ) from None
        except OSError as error:
            raise CommandError(f"The log files cannot be removed: {error}") from None
        for path, size, why in found:
            self.stdout.write(f"{verb} {path} ({size} bytes, {why})")
        freed, (kept, files) = sum(size for _, size, _ in found), segments.size()
        self.stdout.write(f"{verb} {_files(len(found))}, {freed} bytes")
        if dry:
            kept, files = kept - freed, files - len(found)
        self.stdout.write(
            f"{_files(files)} of {segments.path} {'stays' if files == 1 else 'stay'}, {kept} bytes"
        )

    def _clean_database(self, dry: bool, verb: str) -> None:
        """Also where the database is no sink any more, but was one."""
        is_sink, days = "database" in settings.TRANSCRIPT_SINKS, settings.TRANSCRIPT_DAYS
        try:
            with closing(TranscriptTable(open_store(own_connection()))) as table:
                old = table.count_old(days)
                if not dry:
                    table.prune(days, seconds=inf)
        except Exception as error:  # noqa: BLE001 — whatever a driver raises
            if is_sink:
                why = str(error).partition("\n")[0]
                raise CommandError(
                    f"The transcripts in the database cannot be removed: {why}"
                ) from None
            return
        if is_sink or old:
            self.stdout.write(
                f"{verb} {old} of the transcripts in the database, older than {days:g} days"
            )


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
