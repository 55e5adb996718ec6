"""Records in the admin: what happened to each request. To read, never to change."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.admin import ShowFacets, SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, TextFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from usage.models import UsageRecord
from usage.outcomes import OUTCOMES
from usage.quota import NANO
from usage.story import story
from usage.transcript_pages import MAY, TranscriptPages
from usage.words import outcome_mark, reason_words

SLOW_MS = 10_000
EXPENSIVE_NANO = NANO // 10
PERIODS = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
QUESTIONS: dict[str, tuple[str, Q]] = {
    "failed": ("Failed", Q(outcome="failed")),
    "refused": ("Refused", Q(outcome="refused")),
    "abandoned": ("Abandoned", Q(outcome="abandoned")),
    "slow": ("Slow", Q(total_ms__gt=SLOW_MS)),
    "fell_back": ("Fell back", Q(attempts__1__isnull=False)),
    "lossy": ("Lossy", ~Q(losses=[])),
    "cached": ("Cached", Q(cached_input_tokens__gt=0)),
    "expensive": ("Expensive", Q(cost_nano__gt=EXPENSIVE_NANO)),
    "unpriced": ("Unpriced", Q(cost_nano=None)),
}


class _Chosen(SimpleListFilter):
    """A filter that is chosen by the chips above the list: among the others it is only kept."""

    template = "patchbay/records/kept_filter.html"


class QuestionFilter(_Chosen):
    title = "question"
    parameter_name = "show"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, title) for name, (title, _) in QUESTIONS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        question = QUESTIONS.get(self.value() or "")
        return queryset.filter(question[1]) if question else queryset


class PeriodFilter(_Chosen):
    title = "period"
    parameter_name = "range"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in PERIODS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        period = PERIODS.get(self.value() or "")
        return queryset.filter(started_at__gte=timezone.now() - period) if period else queryset


class OutcomeFilter(DropdownFilter):
    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (name, text)
            for outcome, reasons in OUTCOMES.items()
            for name, text in (
                (outcome, outcome_mark(outcome).word),
                *((f"{outcome}:{reason}", f"– {reason_words(reason)}") for reason in reasons),
            )
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        outcome, _, reason = (self.value() or "").partition(":")
        if outcome:
            queryset = queryset.filter(outcome=outcome)
        return queryset.filter(reason=reason) if reason else queryset


def _exact(name: str, words: str, condition: Callable[[str], Q]) -> type[TextFilter]:
    """A filter by the whole of a name; a part of one would read the whole table."""

    class ExactFilter(TextFilter):
        title = words
        parameter_name = name

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            value = (self.value() or "").strip()
            return queryset.filter(condition(value)) if value else queryset

    return ExactFilter


KeyFilter = _exact("key", "client key", lambda value: Q(client_key_name=value))
TeamFilter = _exact("team", "team", lambda value: Q(team_name=value))
ModelFilter = _exact(
    "model", "model", lambda value: Q(original_model=value) | Q(request_model=value)
)
ProviderFilter = _exact("provider", "provider", lambda value: Q(provider_name=value))


class UsageRecordAdmin(TranscriptPages):
    """No counts and no page numbers: the table may have millions of rows."""

    actions = None
    list_display = ("outcome_", "when", "client", "model_", "tokens", "speed", "cost")
    list_display_links = ("when",)
    list_filter = (
        QuestionFilter,
        PeriodFilter,
        OutcomeFilter,
        KeyFilter,
        TeamFilter,
        ModelFilter,
        ProviderFilter,
    )
    list_filter_submit = True
    list_before_template: Any = "patchbay/records/chips.html"
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = InfinitePaginator
    sortable_by = ()
    search_fields = ("exchange_id",)
    search_help_text = "Exchange id, or a request id of the client's"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(pk=uuid.UUID(term)), False
        except ValueError:
            return queryset.filter(client_request_id=term), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        context = {
            "questions": [(name, title) for name, (title, _) in QUESTIONS.items()],
            "asked": request.GET.get("show", ""),
            "periods": list(PERIODS),
            "period": request.GET.get("range", ""),
            **(extra_context or {}),
        }
        answer: TemplateResponse = super().changelist_view(request, context)
        return answer

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A page of its own to read, where Django would show a form."""
        record = self.get_object(request, object_id)
        if record is None or not self.has_view_permission(request, record):
            raise Http404("There is no such record.")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": record,
            "title": str(record),
            "record": record,
            "story": story(record),
            "may_see_transcript": request.user.has_perm(MAY),
        }
        return TemplateResponse(request, "patchbay/records/record.html", context)

    def _cell(self, name: str, record: UsageRecord) -> str:
        return render_to_string(f"patchbay/records/{name}.html", {"record": record})

    @display(description="Outcome")
    def outcome_(self, record: UsageRecord) -> str:
        return self._cell("outcome", record)

    @display(description="When")
    def when(self, record: UsageRecord) -> str:
        return self._cell("when", record)

    @display(description="Client key")
    def client(self, record: UsageRecord) -> str:
        return self._cell("client", record)

    @display(description="Model")
    def model_(self, record: UsageRecord) -> str:
        return self._cell("model", record)

    @display(description="Tokens in → out")
    def tokens(self, record: UsageRecord) -> str:
        return self._cell("tokens", record)

    @display(description="First token / total")
    def speed(self, record: UsageRecord) -> str:
        return self._cell("speed", record)

    @display(description="Cost")
    def cost(self, record: UsageRecord) -> str:
        return self._cell("cost", record)
