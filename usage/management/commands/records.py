"""Print the usage records, oldest first, as JSON lines or as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from usage.figures import duration, money
from usage.models import ClientKey, UsageRecord

ROWS_AT_ONCE = 2000
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
COLUMNS = [field.attname for field in UsageRecord._meta.concrete_fields]
TABLE = "{:<19}  {:<20}  {:<24}  {:<12}  {:>10}  {:>10}  {:>10}  {:>9}  {}"
HEADS = ("Started (UTC)", "Key", "Model", "Provider", "In", "Out", "Cost", "Time", "End")


class Command(BaseCommand):
    help = "Print what the books hold of each request, oldest first."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument(
            "--since", help="a time (2026-07-01T12:00) or a span (90s, 15m, 1h, 2d)"
        )
        parser.add_argument("--key", help="only records of the client key of this name")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = UsageRecord.objects.order_by("started_at", "exchange_id")
        if options["since"]:
            rows = rows.filter(started_at__gte=moment(options["since"], datetime.now(UTC)))
        if options["key"]:
            rows = rows.filter(client_key_name=options["key"])
            self._look_for_key(options["key"])
        found = rows.values_list(*COLUMNS).iterator(ROWS_AT_ONCE)
        for line in json_lines(found) if options["json"] else table_lines(found):
            self.stdout.write(line)

    def _look_for_key(self, name: str) -> None:
        """Say that it may be mistyped: no key has the name. Its records may be there all the same."""
        if not ClientKey.objects.filter(name=name).exists():
            self.stderr.write(f"There is no client key named {name!r} now.")


def moment(text: str, now: datetime) -> datetime:
    """The time that `--since` means; without a zone it is UTC."""
    span = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    try:
        if span:
            return now - timedelta(**{UNITS[span[2]]: int(span[1])})
        given = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise CommandError(
            f"{text!r} is neither a time like 2026-07-01T12:00 nor a span like 15m, 1h or 2d."
        ) from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def json_lines(rows: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    encoder = msgspec.json.Encoder()
    for row in rows:
        yield encoder.encode(dict(zip(COLUMNS, row, strict=True))).decode()


def table_lines(rows: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    yield TABLE.format(*HEADS)
    for row in rows:
        record = dict(zip(COLUMNS, row, strict=True))
        yield TABLE.format(
            f"{record['started_at']:%Y-%m-%d %H:%M:%S}",
            record["client_key_name"],
            record["request_model"] or record["original_model"],
            record["provider_name"],
            record["input_tokens"],
            record["output_tokens"],
            money(record["cost_nano"]),
            duration(record["total_ms"]),
            f"{record['outcome']} ({record['reason']})",
        )
