"""Rules and published configurations in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from auditlog.registry import auditlog
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from providers.models import Deployment
from providers.publishing import PublishingAdmin
from routing.differences import differences
from routing.forms import RuleForm, TargetForm, TargetFormSet
from routing.models import ConfigVersion, Rule, Target
from routing.panels import serving, unreached
from routing.pattern_admin import RedactionPatternAdmin
from routing.reading import read
from usage.models import RedactionPattern
from usage.transcript_fields import TRANSCRIPT_FIELDSET

auditlog.register(Rule, m2m_fields={"match_teams", "match_keys"})
auditlog.register(Target)
auditlog.register(RedactionPattern)

admin.site.register(RedactionPattern, RedactionPatternAdmin)


class TargetInline(TabularInline):
    model = Target
    form = TargetForm
    formset = TargetFormSet
    fields = ("tier", "deployment", "upstream_model", "weight")
    autocomplete_fields = ("deployment",)
    hide_title = True

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[Target]:
        return super().get_queryset(request).select_related("deployment__provider")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "deployment":
            kwargs["queryset"] = Deployment.objects.select_related("provider")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Rule)
class RuleAdmin(PublishingAdmin):
    form = RuleForm
    inlines: ClassVar = [TargetInline]
    list_display = ("order", "rule", "state")
    list_display_links = ("rule",)
    list_before_template: Any = "patchbay/rules/before.html"
    list_per_page = 200
    sortable_by = ()
    search_fields = ("name", "match_model")
    search_help_text = "Name of a rule, or a model"
    autocomplete_fields = ("match_teams", "match_keys")
    change_form_outer_before_template: Any = "patchbay/rules/reading.html"
    fieldsets = (
        (None, {"fields": (("name", "priority"),)}),
        (
            "When a request matches",
            {"fields": (("match_model", "match_headers"), ("match_teams", "match_keys"))},
        ),
        ("Send it", {"fields": (("enabled", "strict"),)}),
        TRANSCRIPT_FIELDSET,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        return (
            super()
            .get_queryset(request)
            .prefetch_related("match_teams", "match_keys", "targets__deployment__provider")
        )

    @display(description="Order")
    def order(self, rule: Rule) -> int:
        return rule.priority

    @display(description="Rule")
    def rule(self, rule: Rule) -> str:
        return render_to_string("patchbay/rules/cell.html", {"rule": rule, "reading": read(rule)})

    @display(description="State")
    def state(self, rule: Rule) -> str:
        mark = (
            ("On", "check_circle", "good") if rule.enabled else ("Off", "pause_circle", "neutral")
        )
        text, icon, tone = mark
        return render_to_string("patchbay/tag.html", {"text": text, "icon": icon, "tone": tone})

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        context = {
            "never_reached": unreached(),
            "serving": serving(),
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
        rule = self.get_object(request, object_id)
        context = {"reading": read(rule) if rule else None, **(extra_context or {})}
        answer: HttpResponse = super().change_view(request, object_id, form_url, context)
        return answer


@admin.register(ConfigVersion)
class ConfigVersionAdmin(ModelAdmin):
    """What was published, to read; a version never changes."""

    actions = None
    list_display = ("version", "published", "author_", "note")
    list_display_links = ("version",)
    list_select_related = ("author",)
    list_per_page = 50
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConfigVersion]:
        """Documents are large, and the list does not show them."""
        return super().get_queryset(request).defer("document")

    @display(description="Version")
    def version(self, version: ConfigVersion) -> str:
        return f"Version {version.number}"

    @display(description="Published")
    def published(self, version: ConfigVersion) -> str:
        return render_to_string("patchbay/moment.html", {"moment": version.created_at})

    @display(description="By")
    def author_(self, version: ConfigVersion) -> str:
        return version.author.get_username() if version.author else "the command line"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What changed since the version before, where Django would show a form."""
        version = self.get_object(request, object_id)
        if version is None or not self.has_view_permission(request, version):
            raise Http404("There is no such version.")
        before = ConfigVersion.objects.filter(number__lt=version.number).first()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": version,
            "title": str(version),
            "version": version,
            "before": before,
            "differences": differences(before.document if before else {}, version.document),
        }
        return TemplateResponse(request, "patchbay/configuration/version.html", context)
