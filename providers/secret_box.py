"""The box that a secret is typed into. Its text never comes back, but that there was one does.

A form with a mistake is shown again with an empty box, and the rest filled in. Without a mark, a
second saving would take the empty box for one that was never touched.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminPasswordWidget

TYPED_BEFORE = "…"
"""The value of a box that was typed into when the form was sent before. No secret has this letter."""
TYPE_IT_AGAIN = (
    "Enter the secret again: it is not sent back with a page that has a mistake. To leave "
    "everything as it was, open this page anew."
)


class SecretBox(UnfoldAdminPasswordWidget):
    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        entered: str = super().value_from_datadict(data, files, name) or ""
        return entered if entered.strip() or f"{name}_typed" not in data else TYPED_BEFORE

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        box = super().render(name, None, attrs, renderer)
        if not value:
            return box
        return format_html('{}<input type="hidden" name="{}_typed" value="yes">', box, name)


def ask_again(form: forms.ModelForm[Any], field: str) -> None:
    """For a sent form that is about to be shown again."""
    box = form.fields.get(field)
    if box is not None and form.is_bound and form[field].value() and field not in form.errors:
        form.add_error(field, TYPE_IT_AGAIN)
