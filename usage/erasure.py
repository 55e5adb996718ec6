"""What the database forgets of somebody: transcripts go, and records lose their names, not their amounts.

Equal names become equal pseudonyms, so that sums by end user still are right. Without SECRET_KEY nobody
can tell whose one is by trying names.
"""

from __future__ import annotations

from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from usage.fit import fit_text
from usage.models import Transcript, UsageRecord
from usage.transcripts.erase import LONGEST, Member, Whose

COLUMNS: dict[Member, str] = {
    "end_user": "end_user",
    "client_key": "client_key_name",
    "session": "session",
}
ROWS_AT_ONCE = 500
"""Of one transaction, so that the gateway's own writer waits for none long."""

PSEUDONYM = "^erased-[0-9a-f]{8}$"


def pseudonym(value: str) -> str:
    """What stands for a name from now on; no name stays none."""
    if not value:
        return ""
    digest = salted_hmac("usage.erasure", value, algorithm="sha256")
    return f"erased-{digest.hexdigest()[:8]}"


def database_name() -> str:
    """Which database it is, for people; no password is in it."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(settings["NAME"])
    where = ":".join(str(settings[part]) for part in ("HOST", "PORT") if settings.get(part))
    return f"{settings['NAME']} at {where or 'the local socket'}"


def transcripts_of(whose: Whose) -> QuerySet[Transcript]:
    """Theirs in the database."""
    return Transcript.objects.filter(**{whose.member: fit_text(whose.value, LONGEST)})


def erase_transcripts(whose: Whose) -> int:
    """Remove theirs, a few at a time; returns how many there were."""
    number = 0
    while True:
        gone = list(transcripts_of(whose).values_list("pk", flat=True)[:ROWS_AT_ONCE])
        Transcript.objects.filter(pk__in=gone).delete()
        number += len(gone)
        if len(gone) < ROWS_AT_ONCE:
            return number


def forget_deleted() -> bool:
    """Let no file of SQLite hold what was deleted; returns whether the log of changes is empty as well.

    Its index keeps words until it is merged, and the log (-wal) what was written before. The log is
    not emptied while somebody reads what it holds. Another database does this by itself.
    """
    if connection.vendor != "sqlite":
        return True
    index = f"{Transcript._meta.db_table}_index"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {index} ({index}) VALUES ('optimize')")  # noqa: S608 — our names
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except OperationalError:  # it is locked
            return False
        busy, *_ = cursor.fetchone()
    return not busy


def records_of(whose: Whose) -> QuerySet[UsageRecord]:
    """Their records that still name somebody."""
    named = ~Q(client_request_id="")
    for column in ("end_user", "session"):
        named |= ~Q(**{column: ""}) & ~Q(**{f"{column}__regex": PSEUDONYM})
    value = fit_text(whose.value, LONGEST)
    return UsageRecord.objects.filter(named, **{COLUMNS[whose.member]: value})


def pseudonymise(whose: Whose) -> int:
    """Take the names out of their records, a few at a time; returns how many there were.

    What another process adds meanwhile is found by the next run.
    """
    found = records_of(whose).only("end_user", "session", "client_request_id").order_by("pk")
    number = 0
    while True:
        with transaction.atomic():
            rows = list(found[:ROWS_AT_ONCE])
            for row in rows:
                row.end_user, row.session = pseudonym(row.end_user), pseudonym(row.session)
                row.client_request_id = ""
            UsageRecord.objects.bulk_update(rows, ["end_user", "session", "client_request_id"])
        number += len(rows)
        if len(rows) < ROWS_AT_ONCE:
            return number
        found = found.filter(pk__gt=rows[-1].pk)
