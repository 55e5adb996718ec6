"""Redaction patterns in the admin: saving publishes, and a pattern can be tried before it is saved."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST
from unfold.decorators import display

from providers.publishing import PublishedForm, PublishingAdmin
from routing.guard import hide
from usage.models import RedactionPattern
from usage.transcripts.redact import Names, Redactor
from usage.transcripts.safe_pattern import UnsafePattern, check, check_name

LONGEST_SAMPLE = 10_000
TRIED_AS = "PATTERN"


class RedactionPatternForm(PublishedForm):
    section = "redaction_patterns"

    class Meta:
        model = RedactionPattern
        fields = ("name", "pattern", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "pattern" in self.fields:
            # A blank at either end belongs to the pattern.
            self.fields["pattern"].strip = False  # type: ignore[attr-defined]
            attributes = self.fields["pattern"].widget.attrs
            attributes["class"] = f"{attributes.get('class', '')} pb-mono"
            attributes["spellcheck"] = "false"

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip().upper()
        _allow(check_name, name)
        before = self.initial.get("name", name)
        named_by = hide(before) if before != name else []
        if named_by:
            rows = ", ".join(f"the {row._meta.verbose_name} {row}" for row in named_by)
            raise forms.ValidationError(
                f"{before} is to be hidden by {rows}. Take it out there first, or add a pattern of the "
                "new name beside this one."
            )
        return name

    def clean_pattern(self) -> str:
        pattern: str = self.cleaned_data["pattern"]
        _allow(check, self.cleaned_data.get("name", ""), pattern)
        return pattern


def _allow(judge: Any, *what: str) -> None:
    try:
        judge(*what)
    except UnsafePattern as error:
        raise forms.ValidationError(str(error)) from None


class RedactionPatternAdmin(PublishingAdmin):
    form = RedactionPatternForm
    list_display = ("kept_as", "pattern_", "note", "named_by")
    list_display_links = ("kept_as",)
    search_fields = ("name", "pattern", "note")
    search_help_text = "Name, pattern or note"
    sortable_by = ()
    change_form_outer_after_template: Any = "patchbay/patterns/try.html"
    fieldsets = ((None, {"fields": ("name", "pattern", "note")}),)

    @display(description="Kept as")
    def kept_as(self, pattern: RedactionPattern) -> str:
        return f"<{pattern.name}_1>"

    @display(description="Pattern")
    def pattern_(self, pattern: RedactionPattern) -> str:
        return render_to_string("patchbay/patterns/cell.html", {"pattern": pattern})

    @display(description="Named by")
    def named_by(self, pattern: RedactionPattern) -> str:
        return ", ".join(f"{row._meta.verbose_name} {row}" for row in hide(pattern.name)) or "–"

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What names a pattern keeps it."""
        to_delete, counts, missing, protected = super().get_deleted_objects(objs, request)
        kept = [
            f"{str(row._meta.verbose_name).capitalize()} “{row}”, which hides {pattern}"
            for pattern in objs
            for row in hide(pattern.name)
        ]
        return to_delete, counts, missing, [*protected, *kept]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.try_view))
        name = f"{self.opts.app_label}_{self.opts.model_name}_try"
        return [path("try/", view, name=name), *super().get_urls()]

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """What becomes of a text. Nothing of it is kept."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        name = request.POST.get("name", "").strip().upper() or TRIED_AS
        found = _tried(name, request.POST.get("pattern", ""), request.POST.get("sample", ""))
        fragment = request.headers.get("hx-request") == "true"
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Tried",
            "name": name,
            **found,
        }
        template = "tried.html" if fragment else "tried_page.html"
        return TemplateResponse(request, f"patchbay/patterns/{template}", context)


def _tried(name: str, pattern: str, sample: str) -> dict[str, Any]:
    """The text as a transcript would have it, with everything hidden; or why the pattern is refused."""
    if not pattern:
        return {"problem": "Write a pattern first."}
    if not sample.strip():
        return {"problem": "Write a text that has what is to be hidden."}
    if len(sample) > LONGEST_SAMPLE:
        return {"problem": f"At most {LONGEST_SAMPLE:,} characters can be tried at once."}
    names = Names()
    try:
        redacted = Redactor(patterns={name: pattern}).redact_text(sample, names)
    except UnsafePattern as error:
        return {"problem": str(error)}
    return {"redacted": redacted, "count": names.counts[name]}
