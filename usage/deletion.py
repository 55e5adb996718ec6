"""Keep what rules name: a rule that loses the team or key it was for would take everyone's requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import ManyToManyRel, Model


def kept_by_rules(found: tuple[Any, Any, set[Any], list[Any]], objects: Iterable[Model]) -> Any:
    """What the admin found before a deletion, with everything that names the objects as protected."""
    to_delete, counts, missing, protected = found
    namers = [
        f"{str(namer._meta.verbose_name).capitalize()} “{namer}”, which is for {thing}"
        for thing in objects
        for relation in thing._meta.get_fields(include_hidden=True)
        if isinstance(relation, ManyToManyRel)
        for namer in relation.related_model._default_manager.filter(**{relation.field.name: thing})
    ]
    if not namers:
        return found
    return to_delete, counts, missing, [*protected, *namers]
