"""Forms of the rule page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextareaWidget

from providers.publishing import PublishedForm
from routing.entries import NO_TARGETS
from routing.models import Rule, Target
from usage.patterns import name_problem, pattern_problem
from usage.transcript_fields import TRANSCRIPT_FIELDS

if TYPE_CHECKING:
    TargetModelForm = forms.ModelForm[Target]
else:
    TargetModelForm = forms.ModelForm


class HeadersField(forms.CharField):
    """Headers one a line, `name: value`, as people write them; a mapping for the program."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return "\n".join(f"{name}: {header}" for name, header in value.items())
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (self.prepare_value(initial) or "") != (data or "").strip()

    def to_python(self, value: Any) -> Any:
        headers: dict[str, str] = {}
        for line in str(value or "").splitlines():
            if not line.strip():
                continue
            name, colon, header = line.partition(":")
            name = name.strip().lower()
            if not colon or not name or not header.strip():
                raise forms.ValidationError(f"Write {line.strip()!r} as name: value.")
            if name in headers:
                raise forms.ValidationError(f"The header {name} is named twice.")
            headers[name] = header.strip()
        return headers


class RuleForm(PublishedForm):
    section = "rules"

    match_headers = HeadersField(
        label="Headers",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "placeholder": "x-tier: gold"}),
        help_text="Headers and the values they must have, one a line. Empty matches any.",
    )

    class Meta:
        model = Rule
        fields = (
            "name",
            "priority",
            "enabled",
            "match_model",
            "match_headers",
            "match_teams",
            "match_keys",
            "strict",
            *TRANSCRIPT_FIELDS,
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("match_teams", "match_keys"):
            if name in self.fields:
                self.fields[name].help_text = "Empty matches any."

    def clean_match_model(self) -> str:
        pattern: str = self.cleaned_data["match_model"].strip()
        problem = pattern_problem(pattern) if pattern else None
        if problem:
            raise forms.ValidationError(problem)
        return pattern


class TargetForm(TargetModelForm):
    class Meta:
        model = Target
        fields = ("tier", "deployment", "upstream_model", "weight")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.setdefault("aria-label", str(field.label or name).capitalize())
        if "upstream_model" in self.fields:
            self.fields["upstream_model"].widget.attrs["placeholder"] = "as the client asked"

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        deployment, model = cleaned.get("deployment"), cleaned.get("upstream_model")
        if model and deployment and deployment.model != "*":
            self.add_error(
                "upstream_model",
                f"{deployment} is one model already. Leave this empty, or choose “any model”.",
            )
        elif model and (problem := name_problem(model)):
            self.add_error("upstream_model", problem)
        if cleaned.get("tier") == 0:
            self.add_error("tier", "Tiers are counted from 1.")
        return cleaned


class TargetFormSet(PaginationInlineFormSet):
    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        kept = [
            form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")
        ]
        if not kept:
            raise forms.ValidationError(NO_TARGETS)
