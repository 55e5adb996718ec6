"""Teams and Quotas in the admin; keys and records have files of their own."""

from __future__ import annotations

from typing import Any, ClassVar

from auditlog.registry import auditlog
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from usage.deletion import with_namers
from usage.forms import QuotaForm, QuotaFormSet
from usage.key_admin import ClientKeyAdmin
from usage.models import ClientKey, Membership, Quota, Team, Transcript, UsageRecord
from usage.record_admin import UsageRecordAdmin
from usage.search_admin import TranscriptAdmin
from usage.transcript_fields import TRANSCRIPT_FIELDSET

auditlog.register(Team)
auditlog.register(Membership)
auditlog.register(ClientKey, exclude_fields=["digest", "pepper_id", "change"])
auditlog.register(Quota)

admin.site.register(ClientKey, ClientKeyAdmin)
admin.site.register(UsageRecord, UsageRecordAdmin)
admin.site.register(Transcript, TranscriptAdmin)


class MembershipInline(TabularInline):
    model = Membership
    fields = ("user", "role")
    autocomplete_fields = ("user",)
    extra = 0
    hide_title = True
    verbose_name = "member"


class TeamQuotaInline(TabularInline):
    model = Quota
    form = QuotaForm
    formset = QuotaFormSet
    fields = ("metric", "window", "amount")
    extra = 0
    hide_title = True
    verbose_name = "limit"


@admin.register(Team)
class TeamAdmin(ModelAdmin):
    actions = None
    compressed_fields = False
    warn_unsaved_form = True
    inlines: ClassVar = [MembershipInline, TeamQuotaInline]
    list_display = ("name", "description", "members", "keys_", "limits")
    search_fields = ("name",)
    search_help_text = "Name of a team"
    fieldsets = ((None, {"fields": (("name", "description"),)}), TRANSCRIPT_FIELDSET)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        rows: QuerySet[Team] = super().get_queryset(request)
        return rows.annotate(
            member_count=Count("memberships", distinct=True),
            key_count=Count("client_keys", distinct=True),
        ).prefetch_related("quotas")

    @display(description="Members", ordering="member_count")
    def members(self, team: Any) -> int:
        return int(team.member_count)

    @display(description="Client keys", ordering="key_count")
    def keys_(self, team: Any) -> int:
        return int(team.key_count)

    @display(description="Limits")
    def limits(self, team: Team) -> str:
        return ", ".join(quota.limit for quota in team.quotas.all()) or "none"

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return with_namers(super().get_deleted_objects(objs, request), objs)


@admin.register(Quota)
class QuotaAdmin(ModelAdmin):
    form = QuotaForm
    actions = None
    compressed_fields = False
    list_display = ("whom", "what")
    list_filter = ("metric", "window")
    list_select_related = ("client_key", "team")
    autocomplete_fields = ("client_key", "team")
    fieldsets = (
        (
            "Whom it limits",
            {
                "fields": (("client_key", "team"),),
                "description": "With neither, everyone together.",
            },
        ),
        ("How much", {"fields": (("metric", "window", "amount"),)}),
    )

    @display(description="Whom")
    def whom(self, quota: Quota) -> str:
        return quota.subject[0].upper() + quota.subject[1:]

    @display(description="Limit")
    def what(self, quota: Quota) -> str:
        return quota.limit
