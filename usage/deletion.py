"""Keep what others name: a rule that lost the team or key it was for would take everyone's requests.

Also where it is for another as well: what is published holds names, so the next team of the same
name would be let in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import ManyToManyRel, Model


def namers(thing: Model) -> list[Model]:
    """The rows that name a thing in a list of theirs."""
    return [
        namer
        for relation in thing._meta.get_fields(include_hidden=True)
        if isinstance(relation, ManyToManyRel)
        for namer in relation.related_model._default_manager.filter(**{relation.field.name: thing})
    ]


def with_namers(found: tuple[Any, Any, set[Any], list[Any]], objects: Iterable[Model]) -> Any:
    """What the admin found before a deletion, with everything that names the objects as protected."""
    to_delete, counts, missing, protected = found
    kept = [
        f"{str(namer._meta.verbose_name).capitalize()} “{namer}”, which is for {thing}"
        for thing in objects
        for namer in namers(thing)
    ]
    return to_delete, counts, missing, [*protected, *kept]
