"""Transcripts in the admin: an exchange, its conversation and its JSON, each viewing audited.

What strangers said is shown as text, never as markup, and makes no browser load anything.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from auditlog.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET
from unfold.admin import ModelAdmin

from usage.models import UsageRecord
from usage.transcripts.around import Around
from usage.transcripts.conversation import chain_of
from usage.transcripts.places import directory
from usage.transcripts.plain import shown_json
from usage.transcripts.raw_lines import Damage
from usage.transcripts.read import find
from usage.transcripts.read_database import find_in_database
from usage.transcripts.stored import Line, opened
from usage.transcripts.view import View

MAY = "patchbay_usage.view_transcript"
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-eval'",  # Alpine evaluates its attributes
        "style-src 'self' 'unsafe-inline'",  # the theme's colours stand in the page
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class Found:
    """What database and files hold of an exchange: its line, or why there is none."""

    def __init__(self, record: UsageRecord) -> None:
        self.damage: list[Damage] = []
        self.unreadable = ""
        self.line = find_in_database(record.exchange_id)
        place = directory()
        try:
            if self.line is None and place.is_dir():
                self.line = find(place, record.exchange_id, self.damage.append)
        except OSError as error:
            self.unreadable = f"{place}: {error.strerror or error}"


class TranscriptPages(ModelAdmin):
    """Pages of a record, with a permission of their own. Looking is a row in the audit log."""

    def get_urls(self) -> list[URLPattern]:
        pages = (
            ("transcript", self.transcript_page),
            ("conversation", self.conversation_page),
            ("raw", self.raw_page),
            ("kept", self.kept_part),
        )
        return [
            *(
                path(
                    f"<uuid:exchange_id>/{name}/",
                    self.admin_site.admin_view(require_GET(view)),
                    name=f"patchbay_usage_usagerecord_{name}",
                )
                for name, view in pages
            ),
            *super().get_urls(),
        ]

    def kept_part(self, request: HttpRequest, exchange_id: UUID) -> HttpResponse:
        """Whether a transcript is kept: a part of the record's page, fetched when that is there.

        The newest lines are in a file without an index, which takes up to a second to look through.
        """
        record = self._record(request, exchange_id)
        context = {"record": record, "found": Found(record)}
        return TemplateResponse(request, "patchbay/transcripts/kept.html", context)

    def transcript_page(self, request: HttpRequest, exchange_id: UUID) -> HttpResponse:
        record = self._record(request, exchange_id)
        found = Found(record)
        context: dict[str, Any] = {"found": found}
        if found.line is not None:
            self._audit(request, record, "Transcript")
            context["exchange"] = View().exchange(found.line)
            context["joins"] = _joins(found.line)
        return self._page(request, record, "transcript", context)

    def conversation_page(self, request: HttpRequest, exchange_id: UUID) -> HttpResponse:
        record = self._record(request, exchange_id)
        found = Found(record)
        context: dict[str, Any] = {"found": found}
        if found.line is not None:
            around, view = Around(directory(), found.line, found.damage.append), View()
            try:
                exchanges = [view.step(step) for step in around.steps()]
            except OSError as error:
                exchanges, around.left_out = [], str(error.strerror or error)
            others = [exchange.head.exchange_id for exchange in exchanges]
            self._audit(request, record, "Conversation", others)
            context |= {"exchanges": exchanges, "left_out": around.left_out}
        return self._page(request, record, "conversation", context)

    def raw_page(self, request: HttpRequest, exchange_id: UUID) -> HttpResponse:
        """The line as it is stored, but opened, as plain text."""
        record = self._record(request, exchange_id)
        line = Found(record).line
        if line is None:
            raise Http404("No transcript of it was found.")
        self._audit(request, record, "Raw JSON")
        answer = HttpResponse(_readable(opened(line)), content_type="text/plain; charset=utf-8")
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return answer

    def _record(self, request: HttpRequest, exchange_id: UUID) -> UsageRecord:
        if not (self.has_view_permission(request) and request.user.has_perm(MAY)):
            raise PermissionDenied
        record: UsageRecord | None = self.get_object(request, str(exchange_id))
        if record is None:
            raise Http404("There is no such record.")
        return record

    def _audit(
        self, request: HttpRequest, record: UsageRecord, what: str, others: list[str] | None = None
    ) -> None:
        """Before anything is shown: what cannot be audited is not seen."""
        LogEntry.objects.log_create(
            record,
            force_log=True,
            action=LogEntry.Action.ACCESS,
            actor=request.user,
            object_repr=str(record.pk),
            additional_data={"seen": what, "exchanges": others or [str(record.pk)]},
        )

    def _page(
        self, request: HttpRequest, record: UsageRecord, name: str, context: dict[str, Any]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": record,
            "title": f"{name.capitalize()} of {record}",
            "record": record,
            **context,
        }
        answer = TemplateResponse(request, f"patchbay/transcripts/{name}.html", context)
        answer["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        if context["found"].line is None:
            answer.status_code = 404
        return answer


def _joins(line: Line) -> bool:
    """Whether others can be joined to it: by its session, or by what was said before and in it."""
    return bool(line.head.session) or chain_of(line).tail is not None


def _readable(data: bytes) -> str:
    with suppress(msgspec.DecodeError, UnicodeError, RecursionError):  # then as it lies there
        data = msgspec.json.format(data, indent=2)
    return shown_json(data.decode(errors="replace"))
