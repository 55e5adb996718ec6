"""Remove what was said by one end user, key or session, and take their names out of the books."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from usage.erasure import (
    database_name,
    erase_transcripts,
    forget_deleted,
    pseudonymise,
    records_of,
    transcripts_of,
)
from usage.log_lock import seconds
from usage.models import ClientKey
from usage.transcripts.erase import WAIT_SECONDS, Eraser, Member, Moved, Whose
from usage.transcripts.places import directory
from usage.transcripts.plain import one_line
from usage.transcripts.progress import Progress
from usage.transcripts.raw_lines import Damage

WHOSE: dict[str, tuple[Member, str]] = {
    "end_user": ("end_user", "end user"),
    "key": ("client_key", "client key"),
    "session": ("session", "session"),
}

PROCESS_LOG = (
    "Not touched: the process log. Its lines name no end user and no session, but each exchange by its "
    "id and by the id that the client gave it, until their files go (LOG_MAX_AGE_DAYS)."
)


READ_MEANWHILE = (
    "Somebody reads the database: its -wal file may hold what was erased until the last process that uses "
    "it has ended. Run this again, or restart the gateway."
)


@dataclass
class Amount:
    """How much there is: lines in files, rows of transcripts, records that name somebody."""

    lines: int = 0
    files: int = 0
    rows: int = 0
    records: int = 0

    def __bool__(self) -> bool:
        return any(vars(self).values())


class Command(BaseCommand):
    help = "Erase the transcripts of one end user, client key or session; their records stay, nameless."

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--end-user", help="whom the client named as being behind it")
        whose.add_argument("--key", help="the name of the client key")
        whose.add_argument("--session", help="the client's session")
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="one JSON object, at the end")
        parser.add_argument(
            "--wait",
            type=seconds,
            default=WAIT_SECONDS,
            metavar="SECONDS",
            help=f"how long for another process that holds a file; default: {WAIT_SECONDS:g}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._progress = Progress(self.stderr)
        self._damage: set[Damage] = set()
        [name] = [name for name in WHOSE if options[name] is not None]
        member, words = WHOSE[name]
        if not options[name].strip():
            raise CommandError(f"--{name.replace('_', '-')} is empty, which would mean everybody.")
        if directory().exists() and not directory().is_dir():
            raise CommandError(f"{directory()} is no directory. LOG_DIR says where the files are.")
        if options["json"] and not (options["yes"] or options["dry_run"]):
            raise CommandError("--json asks nothing, so it needs --yes or --dry-run as well.")
        self._json: bool = options["json"]
        self._is_done = not options["dry_run"]
        self._touched_files: dict[str, int] = {}
        whose = Whose(member, options[name])
        try:
            self._run(whose, f"{words} {one_line(options[name])}", options)
        except BlockingIOError as error:
            raise CommandError(
                f"Not all was erased: another process is busy with {error.filename}. Run this again when it "
                f"has ended, or wait for it longer than {options['wait']:g} seconds with --wait."
            ) from None
        except Moved as error:
            raise CommandError(
                f"Not all was erased: {error.filename} was moved or changed by another program meanwhile, "
                "and was not looked into. Run this again."
            ) from None
        except OSError as error:
            what = f"{error.filename}: " if error.filename else ""
            raise CommandError(f"{what}{error.strerror or error}.") from None
        except Error as error:
            raise CommandError(f"The books cannot be changed: {error}") from None
        finally:
            self._progress.clear()
        self._refuse_unread()

    def _run(self, whose: Whose, words: str, options: dict[str, Any]) -> None:
        eraser = Eraser(directory(), whose, self._touched, self._report, options["wait"])
        self._known_key = _known_key(whose)
        self._is_shown = not options["yes"] or options["dry_run"]
        found = self._count(eraser, whose)
        if options["dry_run"]:
            self._sum("would erase", "would pseudonymise")
            if not found:
                self._say_if_unknown()
        elif not found:
            self._say_nothing(words)
            self._say_if_unknown()
        else:
            if not options["yes"]:
                self._ask(f"the {words}", found)
            self._erase(eraser, whose)
            self._sum("erased", "pseudonymised")
            self._say(PROCESS_LOG)
        if not options["dry_run"] and not forget_deleted():
            self._progress.clear()
            self.stderr.write(READ_MEANWHILE)

    def _count(self, eraser: Eraser, whose: Whose) -> Amount:
        self._begin("would erase")
        if directory().is_dir():
            eraser.count(self._progress)
        self._amount.rows = transcripts_of(whose).count()
        self._amount.records = records_of(whose).count()
        return self._amount

    def _erase(self, eraser: Eraser, whose: Whose) -> None:
        self._is_shown = True
        self._begin("erased")
        if directory().is_dir():
            eraser.erase(self._progress)
        self._amount.rows, self._amount.records = erase_transcripts(whose), pseudonymise(whose)

    def _begin(self, verb: str) -> None:
        self._verb = verb
        self._amount = Amount()
        self._touched_files.clear()

    def _ask(self, whose: str, found: Amount) -> None:
        self._progress.clear()
        self.stdout.write(
            f"{_count(found.lines, 'transcript')} in files and {found.rows:,} in the database of "
            f"{whose} will be gone for good, and {_count(found.records, 'record')} nameless. "
            "Go on? [y/N] ",
            ending="",
        )
        self.stdout.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was erased.")

    def _touched(self, path: Path, number: int) -> None:
        self._amount.lines += number
        self._amount.files += 1
        self._touched_files[str(path)] = number
        if self._is_shown:
            self._say(f"{self._verb} {_count(number, 'transcript')} in {path}")

    def _sum(self, erased: str, pseudonymised: str) -> None:
        amount = self._amount
        files = _count(amount.files, "file")
        self._say(
            f"{erased} {_count(amount.lines, 'transcript')} in {files}\n"
            f"{erased} {_count(amount.rows, 'transcript')} in the database\n"
            f"{pseudonymised} {_count(amount.records, 'record')} in the books\n{_searched()}"
        )
        self._say_as_json()

    def _say_nothing(self, words: str) -> None:
        self._say(f"There is nothing of the {words}.\n{_searched()}")
        self._say_as_json()

    def _say_if_unknown(self) -> None:
        """Only where there is nothing: of a key that was deleted there may be something still."""
        if self._known_key is False:
            self._say("No client key has this name.")

    def _unread(self) -> list[str]:
        """Files with a damaged place that are as they were: one that was made anew has none."""
        paths = {str(damage.path) for damage in self._damage}
        return sorted(paths - self._touched_files.keys() if self._is_done else paths)

    def _refuse_unread(self) -> None:
        if unread := self._unread():
            raise CommandError(
                f"Not all could be read: there may be more of them in {', '.join(map(one_line, unread))}, "
                "where it is damaged. All else is done. Remove such a file if nobody needs it."
            )

    def _say_as_json(self) -> None:
        """What was done, or with --dry-run would be, and where it was looked for."""
        if self._json:
            amount = self._amount
            said = {
                "done": self._is_done,
                "directory": str(directory()),
                "directory_exists": directory().is_dir(),
                "database": database_name(),
                "files": self._touched_files,
                "transcripts_in_files": amount.lines,
                "transcripts_in_database": amount.rows,
                "records": amount.records,
                "known_key": self._known_key,
                "unreadable": self._unread(),
            }
            self._progress.clear()
            self.stdout.write(msgspec.json.encode(said).decode())

    def _say(self, sentence: str) -> None:
        if not self._json:
            self._progress.clear()
            self.stdout.write(sentence)

    def _report(self, damage: Damage) -> None:
        """What is damaged says of nobody whose it is."""
        if damage not in self._damage:
            self._damage.add(damage)
            self._progress.clear()
            self.stderr.write(one_line(str(damage)))


def _known_key(whose: Whose) -> bool | None:
    """Whether a client key has this name; None if it is the name of no key."""
    if whose.member != "client_key":
        return None
    return ClientKey.objects.filter(name=whose.value).exists()


def _searched() -> str:
    """Where, for there may be more elsewhere: in a directory that LOG_DIR named before."""
    missing = "" if directory().is_dir() else " (which is not there)"
    return f"Searched: files in {directory()}{missing}, and the database {database_name()}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
