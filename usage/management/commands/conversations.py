"""`conversations list|show ID|follow|export`: read transcripts from their files. Needs no database."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from usage.management.commands.records import moment
from usage.outcomes import OUTCOME_OF, OUTCOMES
from usage.transcripts.conversation import Relatives, join
from usage.transcripts.follow import follow
from usage.transcripts.new_file import NewFile
from usage.transcripts.places import directory, why_none
from usage.transcripts.plain import shown, shown_json
from usage.transcripts.progress import Progress
from usage.transcripts.raw_lines import Damage
from usage.transcripts.read import LEAST_DIGITS, find_all, listed, scan
from usage.transcripts.render import as_text, news_as_text, step_as_json, step_as_text
from usage.transcripts.render_markdown import as_markdown, step_as_markdown
from usage.transcripts.seal import Closed
from usage.transcripts.spool import in_time_order
from usage.transcripts.stored import Line, opened, without_bodies
from usage.transcripts.table import heading, row, short_row
from usage.transcripts.where import Where, model_problem, status_problem

LISTED = 50
MOST_DAMAGE = 20
MOST_NAMED = 6
INTERRUPTED = 130
FILTERS = {
    "--key": "only of the client key of this name",
    "--model": "only of this model, as asked for, as sent, or as answered",
    "--status": "only with this status, such as 429 or 5xx",
    "--outcome": "only with this outcome or reason, such as failed or timeout_first",
    "--session": "only of this session",
    "--text": "only where this was said, in letters of either size",
}


class Command(BaseCommand):
    help = "Read what was said, from the transcripts in log files, also compressed or copied ones."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(
            dest="action", required=True, metavar="list|show|follow|export"
        )
        made = {
            name: actions.add_parser(name, help=words, description=words)
            for name, words in (
                ("list", "List transcripts, newest first."),
                ("show", "Show one, or the whole conversation that it is a part of."),
                ("follow", "Show transcripts as they are written, until Ctrl-C."),
                ("export", "Write transcripts, oldest first."),
            )
        }
        for name in ("list", "follow", "export"):
            for option, words in FILTERS.items():
                made[name].add_argument(option, default="", help=words)
        for name in ("list", "export"):
            for option, words in (("--since", "from"), ("--until", "to")):
                words = f"{words} a time (2026-07-01T12:00) or a span ago (90s, 15m, 2h, 3d)"
                made[name].add_argument(option, help=words)
        for each in made.values():
            each.add_argument("--json", action="store_true", help="one JSON object a line")
            each.add_argument(
                "--from",
                dest="paths",
                nargs="+",
                type=Path,
                metavar="PATH",
                help="files or directories to read; default: LOG_DIR",
            )
        self._add_own(made)

    def _add_own(self, made: dict[str, CommandParser]) -> None:
        words = f"the most to list, 0 for all; default: {LISTED}"
        made["list"].add_argument("--limit", type=int, default=LISTED, help=words)
        show, export = made["show"], made["export"]
        show.add_argument("id", help="of an exchange, or how it begins")
        show.add_argument(
            "--whole-conversation",
            action="store_true",
            help="with what was said before and after, each message once",
        )
        show.add_argument("--format", choices=("text", "markdown", "json"), default="text")
        export.add_argument("--format", choices=("jsonl", "markdown"), default="jsonl")
        export.add_argument("--output", help="a file to write; default: standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        with suppress(AttributeError):  # what a terminal cannot show is no reason to stop
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        try:
            Reading(self.stdout, self.stderr, options).act()
            self.stdout.flush()
        except BrokenPipeError:  # whoever read has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except KeyboardInterrupt:
            raise SystemExit(0 if options["action"] == "follow" else INTERRUPTED) from None
        except OSError as error:
            what = f"{error.filename}: " if error.filename else ""
            raise CommandError(f"{what}{error.strerror or error}.") from None


class Reading:
    """One run of the command."""

    def __init__(self, out: OutputWrapper, err: OutputWrapper, options: dict[str, Any]) -> None:
        self._out = out
        self._err = err
        self._options = options
        self._paths: list[Path] = options["paths"] or [directory()]
        self._progress = Progress(err)
        self._damage: set[Damage] = set()
        self._closed: set[str] = set()

    def act(self) -> None:
        """Do what was asked for. Raises CommandError, OSError."""
        actions = {
            "list": self._list,
            "show": self._show,
            "follow": self._follow,
            "export": self._export,
        }
        try:
            actions[self._options["action"]]()
        finally:
            self._progress.clear()
        more = len(self._damage) - MOST_DAMAGE
        if more > 0:
            self._err.write(f"{more} more places are damaged.")

    def _list(self) -> None:
        limit = self._options["limit"]
        if limit < 0:
            raise CommandError("--limit must be 0, for all, or more.")
        number = 0
        for line in islice(self._scan(newest_first=True), limit or None):
            if number == 0 and not self._options["json"]:
                self._put(heading())
            number += 1
            self._put(_json(without_bodies(line)) if self._options["json"] else row(line))
        if number == 0:
            self._say_none()
        elif number == limit and not self._options["json"]:
            self._progress.clear()
            self._err.write(f"These are the newest {limit}; --limit 0 lists all.")

    def _show(self) -> None:
        line = self._one()
        form = "json" if self._options["json"] else self._options["format"]
        if self._options["whole_conversation"]:
            self._show_conversation(line, form)
        elif form == "json":
            self._put(_json(opened(line)))
        else:
            for each in as_markdown(line) if form == "markdown" else as_text(line):
                self._put(each)

    def _show_conversation(self, line: Line, form: str) -> None:
        if line.head.truncated.get("request") and not line.head.session:
            self._tell("Its request was cut, so nothing can be joined to it.")
        relatives = Relatives(line)
        found = scan(
            self._available(), where=relatives.takes, progress=self._progress, report=self._report
        )
        steps = join(filter(relatives.stays, in_time_order(found)))
        if form == "json":
            exchanges = [step_as_json(step) for step in steps]
            value = {"session": line.head.session or None, "exchanges": exchanges}
            self._put(_json(msgspec.json.encode(value)))
        else:
            for step in steps:
                for each in step_as_markdown(step) if form == "markdown" else step_as_text(step):
                    self._put(each)
        if relatives.left_out:
            self._tell(f"{relatives.left_out}.")

    def _follow(self) -> None:
        [place, *more] = self._paths
        if more or place.is_file():
            raise CommandError("follow takes one directory: what is written is not in a copy.")
        where = self._where()
        lines = follow(place, self._report)
        if not place.is_dir() or not listed([place]):
            self._tell(f"{why_none(str(place))} Waiting for the first.")
        else:
            self._tell(f"What is written in {place} from now on; Ctrl+C ends it.")
        for line in lines:
            if self._takes(where, line):
                for each in [_json(opened(line))] if self._options["json"] else news_as_text(line):
                    self._put(each)
                self._out.flush()

    def _export(self) -> None:
        if self._options["json"] and self._options["format"] != "jsonl":
            raise CommandError("--json and --format markdown are two things.")
        output = self._options["output"]
        if output in (None, "-"):
            number = sum(1 for _ in self._exported(self._out))
        else:
            with NewFile(Path(output)) as file:
                lines = self._exported(OutputWrapper(file))
                number = sum(1 for _ in lines)
            self._tell(f"{number} transcripts are in {output}.")
        if number == 0:
            self._say_none()

    def _exported(self, out: OutputWrapper) -> Iterator[Line]:
        for line in self._scan(newest_first=False):
            markdown = self._options["format"] == "markdown"
            for each in as_markdown(line) if markdown else [_json(opened(line))]:
                self._put(each, out)
            yield line

    def _scan(self, newest_first: bool) -> Iterator[Line]:
        now = datetime.now(UTC)
        since, until = (
            moment(self._options[name], now).timestamp() if self._options[name] else default
            for name, default in (("since", -inf), ("until", inf))
        )
        if since >= until:
            raise CommandError(
                f"--since {self._options['since']} is not before --until {self._options['until']}, so "
                "nothing lies between. A span such as 2h is counted back from now."
            )
        return scan(
            self._available(),
            since,
            until,
            partial(self._takes, self._where()),
            self._progress,
            newest_first=newest_first,
            report=self._report,
        )

    def _one(self) -> Line:
        """The transcript whose id begins as asked for."""
        asked = self._options["id"]
        digits = asked.replace("-", "").lower()
        if not re.fullmatch(f"[0-9a-f]{{{LEAST_DIGITS},32}}", digits):
            raise CommandError(
                f"{shown(asked)!r} is no id of an exchange: {LEAST_DIGITS} to 32 of 0-9 and a-f."
            )
        found = list(islice(find_all(self._available(), digits, self._report), MOST_NAMED))
        if len(found) == 1:
            return found[0]
        if not found:
            self._refuse_empty()
            raise CommandError(f"No transcript with the id {asked} is in {self._named()}.")
        names = "".join(f"\n  {short_row(line)}" for line in found)
        raise CommandError(f"Several ids begin with {asked}; give more of the one you mean:{names}")

    def _available(self) -> list[Path]:
        """The paths. Those that were named must be there; LOG_DIR is made by the first line."""
        if self._options["paths"]:
            return self._paths
        return [path for path in self._paths if path.is_dir()]

    def _where(self) -> Where:
        chosen = self._options
        if chosen["status"] and (problem := status_problem(chosen["status"])):
            raise CommandError(f"--status: {problem}")
        if problem := model_problem(chosen["model"]):
            raise CommandError(f"--model: {problem}")
        if chosen["outcome"] and chosen["outcome"] not in (*OUTCOMES, *OUTCOME_OF):
            raise CommandError(
                f"There is no outcome or reason {chosen['outcome']!r}. Outcomes: "
                f"{', '.join(OUTCOMES)}. Reasons: {', '.join(OUTCOME_OF)}."
            )
        names = ("key", "model", "status", "outcome", "session", "text")
        return Where(*(chosen[name] for name in names))

    def _takes(self, where: Where, line: Line) -> bool:
        try:
            return where.takes(line)
        except Closed as closed:
            if str(closed) not in self._closed:
                self._closed.add(str(closed))
                self._tell(f"The text cannot be looked for everywhere. {closed}")
            return False

    def _named(self) -> str:
        return ", ".join(map(str, self._paths))

    def _refuse_empty(self) -> None:
        if not listed(self._available()):
            raise CommandError(why_none(self._named()))

    def _say_none(self) -> None:
        self._progress.clear()
        if not listed(self._available()):
            self._tell(why_none(self._named()))
        elif not self._damage and not self._closed:
            self._tell(f"No transcript in {self._named()} is like that.")
        else:
            self._tell(f"No transcript in {self._named()} that could be read is like that.")

    def _put(self, text: str, out: OutputWrapper | None = None) -> None:
        self._progress.clear()
        (out or self._out).write(text)

    def _tell(self, sentence: str) -> None:
        self._progress.clear()
        self._err.write(sentence)

    def _report(self, damage: Damage) -> None:
        if damage not in self._damage:
            self._damage.add(damage)
            if len(self._damage) <= MOST_DAMAGE:
                self._tell(shown(str(damage)))


def _json(data: bytes) -> str:
    return shown_json(data.decode(errors="replace"))
