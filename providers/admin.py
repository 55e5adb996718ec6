"""Providers and Deployments in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from auditlog.registry import auditlog
from django.contrib import admin
from django.db.models import Case, Count, Exists, OuterRef, QuerySet, When
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display

from providers import custody
from providers.adapters.registry import ADAPTERS
from providers.finding import labelled
from providers.forms import (
    CredentialForm,
    DeploymentForm,
    ProviderForm,
    dollars,
    listed_price,
    price_of,
)
from providers.models import Credential, Deployment, ModelPrice, Provider
from providers.pages import fetch_models_view, test_connection_view
from providers.publishing import PublishingAdmin
from providers.secret_box import ask_again
from providers.standing import refusing, troubles

auditlog.register(Provider)
auditlog.register(Credential, exclude_fields=["secret"])
auditlog.register(Deployment)
auditlog.register(ModelPrice)


def tag(text: str, icon: str, tone: str) -> str:
    return render_to_string("patchbay/tag.html", {"text": text, "icon": icon, "tone": tone})


class CredentialInline(TabularInline):
    model = Credential
    form = CredentialForm
    fields = ("label", "new_secret", "enabled")
    hide_title = True
    verbose_name = "credential"

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 1


class DeploymentInline(TabularInline):
    model = Deployment
    form = DeploymentForm
    fields = ("model", "input_price", "output_price", "enabled")
    hide_title = True

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 1

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        return super().get_queryset(request).select_related("provider", "price")


@admin.register(Provider)
class ProviderAdmin(PublishingAdmin):
    form = ProviderForm
    inlines: ClassVar = [CredentialInline, DeploymentInline]
    list_display = ("name", "vendor", "address", "credentials_", "deployments_", "state")
    search_fields = ("name",)
    search_help_text = "Name of a provider"
    change_form_outer_before_template: Any = "patchbay/providers/connection.html"
    fieldsets = (
        (None, {"fields": (("name", "adapter"), "base_url", ("allow_private_network", "enabled"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        rows: QuerySet[Provider] = super().get_queryset(request)
        return rows.prefetch_related("credentials").annotate(
            refusing=Case(When(name__in=refusing(), then=True), default=False),
            deployed=Exists(Deployment.objects.filter(provider=OuterRef("pk"), enabled=True)),
            credential_count=Count("credentials", distinct=True),
            deployment_count=Count("deployments", distinct=True),
        )

    @display(description="Vendor", ordering="adapter")
    def vendor(self, provider: Provider) -> str:
        adapter = ADAPTERS.get(provider.adapter)
        return adapter.label if adapter else provider.adapter

    @display(description="Address")
    def address(self, provider: Provider) -> str:
        if provider.adapter == "demo":
            return "built in"
        adapter = ADAPTERS.get(provider.adapter)
        return provider.base_url or (adapter.base_url if adapter else "–")

    @display(description="Credentials", ordering="credential_count")
    def credentials_(self, provider: Any) -> int:
        return int(provider.credential_count)

    @display(description="Deployments", ordering="deployment_count")
    def deployments_(self, provider: Any) -> int:
        return int(provider.deployment_count)

    @display(description="State", ordering="enabled")
    def state(self, provider: Any) -> str:
        if not provider.enabled:
            return tag("Off", "pause_circle", "neutral")
        refuse = frozenset({provider.name} if provider.refusing else ())
        trouble = next(troubles(provider, refuse, provider.deployed), None)
        if trouble:
            return tag(trouble.short, trouble.icon, trouble.tone)
        return tag("On", "check_circle", "good")

    def get_inline_formsets(
        self, request: HttpRequest, formsets: Any, inline_instances: Any, obj: Any = None
    ) -> Any:
        """Called only where the page is shown, for the first time or again."""
        for row in (row for formset in formsets for row in formset.forms):
            ask_again(row, "new_secret")
        return super().get_inline_formsets(request, formsets, inline_instances, obj)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/test/",
                wrap(require_POST(lambda request, pk: test_connection_view(self, request, pk))),
                name=f"{name}_test",
            ),
            path(
                "<int:pk>/models/",
                wrap(require_POST(lambda request, pk: fetch_models_view(self, request, pk))),
                name=f"{name}_models",
            ),
            *super().get_urls(),
        ]

    def save_rows(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Secrets follow a renaming, whether or not their list is on this person's page."""
        provider = form.instance
        before = custody.before(provider, form.initial) if change else None
        super().save_rows(request, form, formsets, change)
        if before is not None:
            custody.settle(before, provider, _entered(formsets))


def _entered(formsets: Any) -> set[int]:
    """The Credentials whose secret was typed anew."""
    return {
        row.instance.pk
        for formset in formsets
        if formset.model is Credential
        for row in formset.forms
        if row.has_changed() and row.cleaned_data.get("new_secret")
    }


class PriceInline(StackedInline):
    model = ModelPrice
    verbose_name = "price"
    verbose_name_plural = "own price, in US dollars per million tokens"
    fields = (
        ("input_per_mtok", "output_per_mtok"),
        ("cached_input_per_mtok", "cache_write_5m_per_mtok", "cache_write_1h_per_mtok"),
    )
    hide_title = True


@admin.register(Deployment)
class DeploymentAdmin(PublishingAdmin):
    inlines: ClassVar = [PriceInline]
    list_display = ("model_name", "provider", "price_", "state")
    list_display_links = ("model_name",)
    list_filter = (("provider", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("provider", "price")
    search_fields = ("model", "provider__name")
    search_help_text = "Model or provider"
    fieldsets = ((None, {"fields": (("provider", "model"), "enabled")}),)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return labelled(queryset, search_term), False

    @display(description="Model", ordering="model")
    def model_name(self, deployment: Deployment) -> str:
        return "any model" if deployment.model == "*" else deployment.model

    @display(description="$ per million tokens, in / out")
    def price_(self, deployment: Deployment) -> str:
        own = price_of(deployment)
        if own:
            return f"{own.input_per_mtok.normalize():f} / {own.output_per_mtok.normalize():f}"
        if deployment.model == "*":
            return "from the price list"
        listed = listed_price(deployment)
        if listed is None:
            return tag("No price", "warning", "careful")
        return f"{dollars(listed, 'input')} / {dollars(listed, 'output')} (price list)"

    @display(description="State", ordering="enabled")
    def state(self, deployment: Deployment) -> str:
        if deployment.enabled and deployment.provider.enabled:
            return tag("On", "check_circle", "good")
        return tag("Off", "pause_circle", "neutral")
