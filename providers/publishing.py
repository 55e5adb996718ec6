"""Admin pages whose saving publishes: the change and its publication are one transaction.

What cannot work comes back on the form, and nothing is saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin

from providers.problems import DocumentInvalid, Problem
from providers.signals import configuration_changed

REFUSAL = "patchbay_refusal"

if TYPE_CHECKING:
    PublishedModelForm = forms.ModelForm[Any]
else:
    PublishedModelForm = forms.ModelForm


class PublishedForm(PublishedModelForm):
    """A form that can be shown again with what publishing had against it.

    `section` is the list of the document that holds its rows.
    """

    section = ""
    refusal: DocumentInvalid | None = None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for problem in self.refusal.problems if self.refusal else ():
            field, sentence = self._place(problem)
            self.add_error(field, sentence)
        return cleaned

    def _place(self, problem: Problem) -> tuple[str | None, str]:
        """The field at fault and the sentence. What other rows have against it keeps its path."""
        own = f"{self.section}[{self.cleaned_data.get('name', '')}]."
        if not self.section or not problem.path.startswith(own):
            return None, problem.spoken
        member = problem.path.removeprefix(own)
        field = member.replace(".", "_")
        if field in self.fields:
            return field, problem.message
        return None, Problem(member, problem.message).spoken


class PublishingAdmin(ModelAdmin):
    """Saving and deleting publish at once. There is no deletion of many: each is a decision."""

    form = PublishedForm
    actions = None
    compressed_fields = False
    warn_unsaved_form = True
    list_fullwidth = False

    def publish(self, request: HttpRequest, note: str) -> None:
        """Raises DocumentInvalid if the configuration could not work."""
        configuration_changed.send(sender=self.model, author=request.user, note=note)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        self.save_rows(request, form, formsets, change)
        self.publish(request, self._note("Changed" if change else "Added", form.instance))

    def save_rows(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the rows beside the form's own, before they are published."""
        super().save_related(request, form, formsets, change)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        note = self._note("Deleted", obj)
        super().delete_model(request, obj)
        self.publish(request, note)

    def _note(self, verb: str, obj: Model) -> str:
        return f"{verb} {self.opts.verbose_name} {obj}"[:200]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        refusal = vars(request).get(REFUSAL)
        return form if refusal is None else type(form.__name__, (form,), {"refusal": refusal})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Django's own view runs in a transaction, which the refusal has rolled back."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DocumentInvalid as refusal:
            vars(request)[REFUSAL] = refusal
        return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except DocumentInvalid as refusal:
            for problem in refusal.problems:
                messages.error(
                    request, f"Not deleted, because then this would not work: {problem.spoken}"
                )
        return HttpResponseRedirect("../change/")
