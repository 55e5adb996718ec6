"""Pages as a browser sees them: read a form's fields, fill some in, send it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.test import Client

Answer = Any
"""What Django's test client gives back: a response with the context of its template."""


class Fields(HTMLParser):
    """The fields of one form by name, with the values that a browser would send."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self._form_id = form_id
        self._inside = False
        self._select = ""
        self._area = ""
        self._first: str | None = None
        self.found: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._inside = known.get("id") == self._form_id
        if not self._inside:
            return
        name = known.get("name", "")
        if tag == "select":
            self._select = name
            self.found.setdefault(name, [])
            self._first = "" if "multiple" in known else None
        elif tag == "option" and self._select:
            self._option(known)
        elif tag == "textarea":
            self._area = name
            self.found[name] = [""]
        elif tag == "input" and name and _is_sent(known):
            unsaid = "on" if known.get("type") in ("checkbox", "radio") else ""
            self.found.setdefault(name, []).append(known.get("value", unsaid))

    def _option(self, known: dict[str, str]) -> None:
        """Of a list without a chosen entry, a browser sends the first."""
        if self._first is None:
            self._first = known.get("value", "")
        if "selected" in known:
            self.found[self._select].append(known.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[self._area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            if self._select and self._first and not self.found[self._select]:
                self.found[self._select].append(self._first)
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def _is_sent(known: dict[str, str]) -> bool:
    if known.get("type") in ("submit", "button"):
        return False
    return known.get("type") not in ("checkbox", "radio") or "checked" in known


def text(response: Answer) -> str:
    page: str = response.content.decode()
    return page


def fields(response: Answer, model: str) -> dict[str, list[str]]:
    """The fields of a model's form, empty rows of inlines (`__prefix__`) left out."""
    parser = Fields(f"{model}_form")
    parser.feed(text(response))
    return {name: value for name, value in parser.found.items() if "__prefix__" not in name}


def submit(client: Client, path: str, model: str, **changed: Any) -> Answer:
    """Open a form, change some fields and save. None takes a field away."""
    page = client.get(path)
    assert page.status_code == 200
    sent: dict[str, Any] = fields(page, model)
    for name, value in changed.items():
        if value is None:
            sent.pop(name, None)
        else:
            sent[name] = value
    return client.post(path, {**sent, "_save": "Save"})


def errors(response: Answer) -> dict[str, list[str]]:
    """The mistakes that a form shows, by field; `__all__` are those of the whole, inlines by row."""
    assert response.status_code == 200, "the form was accepted"
    found = {name: list(said) for name, said in response.context["adminform"].form.errors.items()}
    for inline in response.context["inline_admin_formsets"]:
        formset = inline.formset
        for number, row in enumerate(formset.errors):
            found |= {f"{formset.prefix}-{number}-{name}": list(said) for name, said in row.items()}
        if formset.non_form_errors():
            found[formset.prefix] = list(formset.non_form_errors())
    return found
