"""Every path of the site; the client paths come last."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView
from django_prometheus.exports import ExportToDjangoView

from proxyproject.access import trusted_only
from proxyproject.api import api
from proxyproject.health import HealthPage

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("metrics", trusted_only(ExportToDjangoView)),
    path("healthz", HealthPage.as_view()),
    path("", api.urls),
]
