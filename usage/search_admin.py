"""Search what was said, in the admin. Each search, and each page of one, is a row in the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from auditlog.models import LogEntry
from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin

from usage.apps import UsageConfig
from usage.ask_meaning import NothingFound, ask
from usage.models import Transcript
from usage.transcript_pages import CONTENT_SECURITY_POLICY, MAY
from usage.transcripts.meaning import MOST_COMPARED, MOST_COUNTED, FoundByMeaning, waiting
from usage.transcripts.search import Filters, Found, search
from usage.transcripts.where import model_problem, status_problem

HITS = 25
LONGEST_SAID = 200
PERIODS = {"1h": 1, "24h": 24, "7d": 24 * 7, "30d": 24 * 30}
"""Hours."""
PROBLEMS = {"model": model_problem, "status": status_problem}
FIELDS = (
    ("key", "Client key"),
    ("team", "Team"),
    ("model", "Model"),
    ("provider", "Provider"),
    ("session", "Session"),
    ("end_user", "End user"),
    ("status", "Status"),
)


class TranscriptAdmin(ModelAdmin):
    """One page, where Django would show a list. A hit leads to the transcript's own page."""

    def get_urls(self) -> list[Any]:
        """None but the list: rows are not looked at one by one here."""
        return [
            url for url in super().get_urls() if url.name == "patchbay_usage_transcript_changelist"
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(MAY))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = _Asked(request)
        found: Found | FoundByMeaning | None = None
        problem = ""
        if asked.is_sent:
            entry = _audit(request, asked)
            try:
                found = asked.search()
            except NothingFound as sentence:
                problem = str(sentence)
            else:
                _add_found(entry, found)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Search what was said",
            "asked": asked,
            "found": found,
            "problem": problem,
            **_meaning(asked),
            "fields": [
                (name, title, asked.values[name], asked.problems.get(name))
                for name, title in FIELDS
            ],
            "periods": list(PERIODS),
            "sinks": settings.TRANSCRIPT_SINKS,
            "is_on": "database" in settings.TRANSCRIPT_SINKS,
            "is_empty": not Transcript.objects.exists(),
            "is_encrypting": settings.TRANSCRIPT_ENCRYPTION,
            "has_sealed": Transcript.objects.filter(sealed_with__isnull=False).exists(),
        }
        answer = TemplateResponse(request, "patchbay/transcripts/search.html", context)
        answer["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return answer


class _Asked:
    """What the address of the page or its form says is looked for. What makes no sense is left out.

    `given` is all that was said, for links that change one thing of it.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.submitted = request.method == "POST"
        self.given = (request.POST if self.submitted else request.GET).copy()
        self.given.pop("csrfmiddlewaretoken", None)
        self.text = self.given.get("q", "").strip()
        self.values: dict[str, Any] = {name: self.given.get(name, "").strip() for name, _ in FIELDS}
        self.period = self.given.get("range", "")
        self.problems = {
            name: sentence
            for name, find_problem in PROBLEMS.items()
            if self.values[name] and (sentence := find_problem(self.values[name]))
        }
        wanted = self.given.get("by") == "meaning"
        embedded = bool(settings.EMBEDDING_MODEL) and not settings.TRANSCRIPT_ENCRYPTION
        self.by_meaning = wanted and embedded
        before = self.given.get("before", "")
        self.before = int(before) if before.isdecimal() and len(before) < 19 else None

    @property
    def filtered(self) -> bool:
        return any(self.values.values())

    @property
    def anything(self) -> bool:
        return bool(self.text or self.filtered)

    @property
    def is_sent(self) -> bool:
        """By meaning only what the form posts: a link is no wish to ask and pay."""
        is_meant = self.submitted or not self.by_meaning
        return self.anything and is_meant and not self.problems

    @property
    def waits_for_the_button(self) -> bool:
        return self.anything and self.by_meaning and not self.submitted

    @property
    def words(self) -> str:
        """For the audit log, which more people read than may know what was typed by mistake."""
        told = [self.text, *(f"{name}={value}" for name, value in self.values.items() if value)]
        usage = cast("UsageConfig", apps.get_app_config("patchbay_usage"))
        return usage.hide(" ".join(filter(None, told)))[:LONGEST_SAID].replace("\0", "")

    def search(self) -> Found | FoundByMeaning:
        """Raises NothingFound."""
        hours = PERIODS.get(self.period)
        since = timezone.now() - timedelta(hours=hours) if hours else None
        filters = Filters(**self.values)._replace(since=since)
        if self.by_meaning:
            return ask(self.text, filters, HITS)
        return search(self.text, filters, HITS, self.before)


def _meaning(asked: _Asked) -> dict[str, Any]:
    """What the page says of search by meaning."""
    model = settings.EMBEDDING_MODEL
    return {
        "embedding_model": model,
        "waiting": waiting(model) if asked.by_meaning else 0,
        "most_counted": MOST_COUNTED,
        "most_compared": MOST_COMPARED,
    }


def _audit(request: HttpRequest, asked: _Asked) -> LogEntry:
    """Before anything is asked: what cannot be audited is not looked for."""
    entry: LogEntry = LogEntry.objects.create(
        content_type=ContentType.objects.get_for_model(Transcript),
        object_pk="",
        object_repr=asked.words,
        action=LogEntry.Action.ACCESS,
        actor=request.user,
        additional_data={
            "seen": "Search by meaning" if asked.by_meaning else "Search",
            "exchanges": [],
        },
    )
    return entry


def _add_found(entry: LogEntry, found: Found | FoundByMeaning) -> None:
    """Before anything is shown."""
    exchanges = [str(hit.exchange_id) for hit in found.hits]
    entry.additional_data = {**(entry.additional_data or {}), "exchanges": exchanges}
    entry.save(update_fields=["additional_data"])
