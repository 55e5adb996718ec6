"""Every path of the site; the client paths come last."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView
from django_prometheus.exports import ExportToDjangoView

from proxyproject.access import trusted_only
from proxyproject.api import api
from proxyproject.health import HealthPage


def icon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for it on pages that name none."""
    return redirect(static("patchbay/icon.svg"))


urlpatterns = [
    path("favicon.ico", icon),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("metrics", trusted_only(ExportToDjangoView)),
    path("healthz", HealthPage.as_view()),
    path("", api.urls),
]
