"""`issue_key --name NAME [--team TEAM] [--models A,B] [--transcripts LEVEL] …`: make a client key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from usage.issue import KeyRefused, issue_key
from usage.models import Team
from usage.transcripts.policy import LEVELS


class Command(BaseCommand):
    help = "Issue a client key and print it. It is shown once: only a digest is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="names the key in the books")
        parser.add_argument("--team", help="the team that owns it")
        parser.add_argument(
            "--models", default="*", help="names or patterns, by commas; default: *"
        )
        parser.add_argument("--expires", help="a date or time such as 2027-01-31, in UTC")
        parser.add_argument("--strict", action="store_true", help="refuse lossy translations")
        parser.add_argument(
            "--transcripts",
            choices=LEVELS,
            default="",
            help="what is kept of what was said; default: as set above the key",
        )
        parser.add_argument("--json", action="store_true", help="print id, name and key as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            row, key = issue_key(
                options["name"],
                team=_team(options["team"]),
                models=[name.strip() for name in options["models"].split(",") if name.strip()],
                strict=options["strict"],
                transcripts=options["transcripts"],
                expires_at=_moment(options["expires"]),
            )
        except KeyRefused as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps({"id": row.pk, "name": row.name, "key": key}))
        else:
            self.stdout.write(f"The key of {row.name}, shown only now: {key}")


def _team(name: str | None) -> Team | None:
    if name is None:
        return None
    team = Team.objects.filter(name=name).first()
    if team is None:
        names = ", ".join(Team.objects.values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no team {name!r}. Teams: {names}.")
    return team


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is not a time; write it like 2027-01-31.") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if moment <= datetime.now(UTC):
        raise CommandError(f"{text} has passed; a key ends at a time to come.")
    return moment
