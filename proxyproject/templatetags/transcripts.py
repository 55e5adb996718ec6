"""Who decides what is kept of what was said, for a page that has no transcript to show."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import template
from django.conf import settings
from django.db.models import Model
from django.urls import reverse

from routing.models import Rule
from usage.models import ClientKey, UsageRecord
from usage.transcript_fields import TranscriptFields

register = template.Library()


class Ruling(NamedTuple):
    """What is kept of requests like this one as it is set now, where, and by whom; no row is the settings."""

    level: str
    percent: float
    level_by: Model | None
    percent_by: Model | None
    sinks: tuple[str, ...]


@register.simple_tag
def ruling(record: UsageRecord) -> Ruling:
    """The most specific row that says something: client key, team, rule, then the settings."""
    key = ClientKey.objects.filter(pk=record.client_key_id).select_related("team").first()
    rule = Rule.objects.filter(name=record.rule_name).first()
    rows: list[TranscriptFields | None] = [key, key.team if key else None, rule]
    level = next((row for row in rows if row and row.transcripts), None)
    share = next((row for row in rows if row and row.transcript_share is not None), None)
    return Ruling(
        level.transcripts if level else settings.LOG_BODIES,
        float(share.transcript_share or 0) if share else 100.0,
        level,
        share,
        settings.TRANSCRIPT_SINKS,
    )


@register.inclusion_tag("patchbay/transcripts/whose.html", takes_context=True)
def whose(context: dict[str, Any], row: Model | None, setting: str) -> dict[str, Any]:
    """The row that decides, by its kind and name, and a link for who may see it; or the setting."""
    if row is None:
        return {"setting": setting}
    options = row._meta
    view = f"{options.app_label}.view_{options.model_name}"
    page = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
    return {
        "kind": str(options.verbose_name),
        "name": str(row),
        "page": page if context["request"].user.has_perm(view) else "",
    }
