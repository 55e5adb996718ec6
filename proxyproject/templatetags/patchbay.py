"""Template filters and tags of the admin: figures, moments, marks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django import template
from django.db.models import Model
from django.db.models.options import Options
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from usage import figures, words

register = template.Library()

PAGE_TITLES = {"users": "People", "groups": "Roles", "log entries": "Audit log"}
"""Tables of others that the sidebar calls by another name."""
EMPTY_WORDS = {
    "usagerecord": "Send one with curl or an SDK; it appears here within seconds.",
    "rule": "Every request is refused until a rule says where it goes.",
    "provider": "A provider is a vendor’s account or a server of your own that models are called at.",
    "deployment": "A deployment is one model of a provider. Open a provider and fetch its models.",
    "clientkey": "A client key is what a program presents to be let in.",
    "team": "A team owns client keys and shares their limits.",
    "quota": "Nothing is limited. A quota caps requests or cost of a key, a team or everyone.",
    "redactionpattern": "A pattern of your own hides what only you know, such as numbers of employees.",
    "configversion": "The first one is published with the first provider or rule.",
}

register.filter("money", figures.money)
register.filter("short_money", figures.short_money)
register.filter("exact_money", figures.exact_money)
register.filter("count", figures.count)
register.filter("duration", figures.duration)
register.filter("share_of", figures.share)
register.filter("reason_words", words.reason_words)
register.filter("outcome_mark", words.outcome_mark)


@register.filter
def page_title(plural: str) -> str:
    """What a table is called in the sidebar, in the header and on its tab."""
    return PAGE_TITLES.get(plural, plural[:1].upper() + plural[1:])


@register.filter
def adding(request: HttpRequest) -> str:
    """“Add rule” on the page that adds one; empty on any other."""
    match = request.resolver_match
    page = getattr(match.func, "model_admin", None) if match else None
    if match is None or page is None or not str(match.url_name).endswith("_add"):
        return ""
    return f"Add {page.opts.verbose_name}"


@register.filter
def empty_words(options: Options[Model]) -> str:
    """What an empty table is for, and how something comes into it."""
    return EMPTY_WORDS.get(options.model_name or "", "")


@register.filter
def moment(value: datetime | None, empty: str = "never") -> SafeString | str:
    """A time in the viewer's zone: the clock alone for today, else the date; all of it on hover."""
    if value is None:
        return empty
    local = timezone.localtime(value)
    is_today = local.date() == timezone.localdate()
    return _time(local, f"{local:%H:%M:%S}" if is_today else _day(local))


@register.filter
def dated(value: datetime) -> SafeString:
    """The same with its date, today's too: where days stand side by side."""
    local = timezone.localtime(value)
    return _time(local, _day(local))


def _day(local: datetime) -> str:
    near = abs(local.date() - timezone.localdate()) < timedelta(days=180)
    return f"{local.day} {local:%b %H:%M}" if near else f"{local.day} {local:%b %Y}"


def _time(local: datetime, text: str) -> SafeString:
    exact = f"{local.day} {local:%b %Y %H:%M:%S}.{local.microsecond // 1000:03d} {local:%Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, text)


@register.filter
def grouped(number: int) -> str:
    """Every digit of a number, in threes."""
    return f"{number:,}"


@register.filter
def unix_moment(value: float) -> SafeString | str:
    """The same of a time as files keep it."""
    try:
        return moment(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError):  # what a damaged line says
        return str(value)


@register.inclusion_tag("patchbay/tag.html")
def mark(text: str, icon: str, tone: str) -> dict[str, str]:
    """A status: icon, word and colour."""
    return {"text": text, "icon": icon, "tone": tone}
