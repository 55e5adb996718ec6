"""Find Deployments by the label that the pages show of them."""

from __future__ import annotations

from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.db.models.functions import Concat

from providers.models import Deployment

# As in Deployment.__str__, where the database can look.
_model = Case(When(model="*", then=Value("any model")), default=F("model"))
_label = Concat(_model, Value(" at "), F("provider__name"), output_field=CharField())


def labelled(rows: QuerySet[Deployment], term: str) -> QuerySet[Deployment]:
    """Those whose label (`gpt-4.1 at openai`) holds every word of the term."""
    rows = rows.annotate(label=_label)
    for word in term.split():
        rows = rows.filter(label__icontains=word)
    return rows
