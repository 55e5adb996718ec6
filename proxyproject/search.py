"""What the command palette finds: things by name, and a record by its id."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.db.models import Model, Q
from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from providers.finding import labelled
from providers.models import Deployment, Provider
from routing.models import Rule
from usage.models import ClientKey, RedactionPattern, Team, UsageRecord

MOST_OF_A_KIND = 10
SEARCHED: tuple[tuple[type[Model], tuple[str, ...], str], ...] = (
    (Rule, ("name", "match_model"), "alt_route"),
    (Provider, ("name",), "hub"),
    (ClientKey, ("name", "prefix"), "key"),
    (Team, ("name",), "groups"),
    (RedactionPattern, ("name", "note"), "visibility_off"),
)


def find(request: HttpRequest, term: str) -> list[SearchResult]:
    """Everything this person may see whose name holds the term. Exact look-up for a record's id."""
    return [*_record(request, term), *_by_name(request, term), *_deployments(request, term)]


def _record(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    if not request.user.has_perm("patchbay_usage.view_usagerecord"):
        return
    try:
        identifier = uuid.UUID(term.strip())
    except ValueError:
        return
    record = UsageRecord.objects.filter(pk=identifier).first()
    if record is not None:
        yield _result(record, "receipt_long")


def _by_name(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for model, fields, icon in SEARCHED:
        meta = model._meta
        if not request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
            continue
        matches = Q()
        for field in fields:
            matches |= Q(**{f"{field}__icontains": term})
        for row in model._default_manager.filter(matches)[:MOST_OF_A_KIND]:
            yield _result(row, icon)


def _deployments(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    if request.user.has_perm("patchbay_providers.view_deployment"):
        rows = Deployment.objects.select_related("provider")
        for row in labelled(rows, term)[:MOST_OF_A_KIND]:
            yield _result(row, "deployed_code")


def _result(row: Model, icon: str) -> SearchResult:
    meta = row._meta
    return SearchResult(
        title=str(row),
        description=str(meta.verbose_name).capitalize(),
        link=reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]),
        icon=icon,
    )
