"""Forms of keys and quotas."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextareaWidget

from usage.issue import IN_BRACKETS
from usage.models import ClientKey, Quota
from usage.patterns import pattern_problem
from usage.signals import objections
from usage.transcript_fields import TRANSCRIPT_FIELDS

TWICE = "There is a limit of this kind and window already. Change its amount instead."

if TYPE_CHECKING:
    KeyModelForm = forms.ModelForm[ClientKey]
    QuotaModelForm = forms.ModelForm[Quota]
else:
    KeyModelForm = QuotaModelForm = forms.ModelForm


class ClientKeyForm(KeyModelForm):
    """The models are typed one a line, not as JSON."""

    patterns = forms.CharField(
        label="Models",
        initial="*",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Names or patterns it may ask for, one a line; * is any.",
    )

    class Meta:
        model = ClientKey
        fields = ("name", "team", "owner", "strict", "expires_at", *TRANSCRIPT_FIELDS)
        error_messages = {
            "name": {"unique": "There is a key of this name. If its secret is lost, rotate it."}
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["patterns"] = "\n".join(self.instance.models_allowed)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.startswith("(") and "name" in self.changed_data:
            raise forms.ValidationError(IN_BRACKETS)
        return name

    def clean_patterns(self) -> list[str]:
        lines = self.cleaned_data["patterns"].replace(",", "\n").splitlines()
        patterns = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
        problems = [problem for text in patterns if (problem := pattern_problem(text))]
        if problems:
            raise forms.ValidationError(problems)
        return patterns

    def clean_expires_at(self) -> datetime | None:
        moment: datetime | None = self.cleaned_data["expires_at"]
        if moment is not None and moment <= timezone.now() and "expires_at" in self.changed_data:
            raise forms.ValidationError("This moment has passed. To end a key now, revoke it.")
        return moment

    def save(self, commit: bool = True) -> ClientKey:
        self.instance.models_allowed = self.cleaned_data["patterns"]
        return super().save(commit)


class QuotaForm(QuotaModelForm):
    """A limit on one thing. Says what is wrong in words where the database would only refuse."""

    class Meta:
        model = Quota
        fields = ("client_key", "team", "metric", "window", "amount")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        amount, metric = cleaned.get("amount"), cleaned.get("metric")
        if amount is not None and amount < 0:
            self.add_error("amount", "A limit is not negative.")
        elif metric == Quota.Metric.REQUESTS and amount is not None and amount % 1:
            self.add_error("amount", "Requests are counted in whole numbers.")
        if self.instance._state.adding:
            for sentence in objections():
                self.add_error(None, sentence)
        self._check_subject(cleaned)
        return cleaned

    def _check_subject(self, cleaned: dict[str, Any]) -> None:
        key, team = cleaned.get("client_key"), cleaned.get("team")
        if key and team:
            self.add_error("team", "Choose a client key or a team, not both.")
        if any(subject is not None and subject.pk is None for subject in (key, team)):
            return  # it is made in the same step, so it has no other limit
        same = Quota.objects.filter(
            client_key=key, team=team, metric=cleaned.get("metric"), window=cleaned.get("window")
        )
        if same.exclude(pk=self.instance.pk).exists():
            self.add_error("window", TWICE)  # which keeps the constraint from adding its name


class QuotaFormSet(PaginationInlineFormSet):
    """The limits of one key or team."""

    def clean(self) -> None:
        super().clean()
        kinds = [
            (form.cleaned_data.get("metric"), form.cleaned_data.get("window"))
            for form in self.forms
            if getattr(form, "cleaned_data", None) and not form.cleaned_data.get("DELETE")
        ]
        if len(kinds) != len(set(kinds)):
            raise forms.ValidationError(TWICE)
