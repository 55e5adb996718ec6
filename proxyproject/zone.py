"""Show times in the viewer's zone, which the admin's script leaves in a cookie."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "pb_zone"
LONGEST_NAME = 64


class ViewerZone:
    """Middleware of the cold stack; client paths never see it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = unquote(request.COOKIES.get(COOKIE, ""))[:LONGEST_NAME]
        if name not in zoneinfo.available_timezones():
            return self.get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(name)):
            return self.get_response(request)
