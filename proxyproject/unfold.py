"""The admin's look and sidebar: what Unfold is told about Patchbay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

Asset = Callable[[HttpRequest], str]

_NEUTRAL = {
    "50": "#f8fafa",
    "100": "#f1f4f4",
    "200": "#e2e7e7",
    "300": "#cbd3d4",
    "400": "#96a3a5",
    "500": "#627073",
    "600": "#475457",
    "700": "#344042",
    "800": "#212a2c",
    "900": "#141b1d",
    "950": "#0b1011",
}
_TEAL = {
    "50": "#effcf9",
    "100": "#cdf5ec",
    "200": "#9beadb",
    "300": "#63d8c5",
    "400": "#31bfab",
    "500": "#14a594",
    "600": "#0f766e",
    "700": "#0f605a",
    "800": "#124c49",
    "900": "#133f3d",
    "950": "#042625",
}


class Entry(NamedTuple):
    """A line of the sidebar. `model` is app_label.model_name, empty for the home page."""

    title: str
    icon: str
    model: str = ""


_SIDEBAR: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("", (Entry("Home", "dashboard"),)),
    (
        "Traffic",
        (
            Entry("Records", "receipt_long", "patchbay_usage.usagerecord"),
            Entry("Transcripts", "forum", "patchbay_usage.transcript"),
            Entry("Redaction patterns", "visibility_off", "patchbay_usage.redactionpattern"),
        ),
    ),
    (
        "Routing",
        (
            Entry("Rules", "alt_route", "patchbay_routing.rule"),
            Entry("Deployments", "deployed_code", "patchbay_providers.deployment"),
            Entry("Providers", "hub", "patchbay_providers.provider"),
        ),
    ),
    (
        "Access",
        (
            Entry("Client keys", "key", "patchbay_usage.clientkey"),
            Entry("Teams", "groups", "patchbay_usage.team"),
            Entry("Quotas", "speed", "patchbay_usage.quota"),
        ),
    ),
    (
        "System",
        (
            Entry("Configuration versions", "history", "patchbay_routing.configversion"),
            Entry("People", "badge", "auth.user"),
            Entry("Roles", "shield_person", "auth.group"),
            Entry("Audit log", "manage_history", "auditlog.logentry"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar of this person: what they may not see is not there."""
    return [
        {
            "title": title,
            "separator": bool(title),
            "items": [_item(entry, request) for entry in entries],
        }
        for title, entries in _SIDEBAR
    ]


def _item(entry: Entry, request: HttpRequest) -> dict[str, Any]:
    if not entry.model:
        link = reverse("admin:index")
        return {
            "title": entry.title,
            "icon": entry.icon,
            "link": link,
            "active": request.path == link,
        }
    app, _, model = entry.model.partition(".")
    link = reverse(f"admin:{app}_{model}_changelist")
    return {
        "title": entry.title,
        "icon": entry.icon,
        "link": link,
        "active": request.path.startswith(link),
        "permission": lambda request: request.user.has_perm(f"{app}.view_{model}"),
    }


def _asset(path: str) -> Asset:
    return lambda request: static(path)


def unfold_settings(mode: str) -> dict[str, Any]:
    """UNFOLD for settings.py."""
    return {
        "SITE_TITLE": "Patchbay",
        "SITE_HEADER": "Patchbay",
        "SITE_SUBHEADER": lambda request: urlsplit(settings.PUBLIC_URL).netloc,
        "SITE_URL": None,
        "SITE_SYMBOL": "instant_mix",
        "SITE_FAVICONS": [
            {"rel": "icon", "type": "image/svg+xml", "href": _asset("patchbay/icon.svg")}
        ],
        "SHOW_VIEW_ON_SITE": False,
        "BORDER_RADIUS": "8px",
        "COLORS": {"base": _NEUTRAL, "primary": _TEAL},
        "ENVIRONMENT": "proxyproject.unfold.environment" if mode == "development" else None,
        "GLOBAL_CALLBACK": "proxyproject.unfold.every_page",
        "DASHBOARD_CALLBACK": "proxyproject.dashboard.dashboard",
        "STYLES": [_asset("patchbay/patchbay.css")],
        "SCRIPTS": [_asset("patchbay/patchbay.js")],
        "SIDEBAR": {
            "show_search": True,
            "command_search": True,
            "show_all_applications": False,
            "navigation": navigation,
        },
        "COMMAND": {"search_callback": "proxyproject.search.find"},
    }


def every_page(request: HttpRequest) -> dict[str, Any]:
    """Fewer buttons below a form."""
    return {"show_save_and_add_another": False}


def environment(request: HttpRequest) -> list[str]:
    return ["Development", "warning"]
