"""Pages beside the provider form: test the connection, fetch the models on offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from providers.adapters.registry import ADAPTERS
from providers.checks import model_problem
from providers.models import Deployment, Provider
from providers.problems import DocumentInvalid
from providers.secrets import SecretMissing, binding, open_secret

if TYPE_CHECKING:
    from providers.admin import ProviderAdmin
    from providers.connection import Verdict

MOST_ADDED_AT_ONCE = 500


class Trial(NamedTuple):
    """One credential tried. `label` is empty for a server without keys."""

    label: str
    verdict: Verdict


class Offer(NamedTuple):
    """A model on offer, and whether it is a Deployment already; `problem` says why it cannot be."""

    model: str
    taken: bool
    ticked: bool
    problem: str | None


def test_connection_view(page: ProviderAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Try every credential that is on; the answer is a fragment for the page, or a page of its own."""
    provider = _provider(page, request, pk)
    return _answer(page, request, provider, {"trials": trials(provider)})


def fetch_models_view(page: ProviderAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Show the models on offer; with models chosen, add them as Deployments and publish.

    Who may not add Deployments sees what is on offer, with nothing to choose.
    """
    provider = _provider(page, request, pk)
    may_add = request.user.has_perm("patchbay_providers.add_deployment")
    chosen = [model for model in request.POST.getlist("model") if model][:MOST_ADDED_AT_ONCE]
    if chosen:
        if not may_add:
            raise PermissionDenied
        if _add(page, request, provider, chosen):
            target = reverse("admin:patchbay_providers_provider_change", args=[provider.pk])
            return HttpResponseRedirect(target)
    found = trials(provider)
    best = next((trial for trial in found if trial.verdict.models), None)
    if best is None:
        return _answer(page, request, provider, {"trials": found})
    taken = set(provider.deployments.values_list("model", flat=True))
    offers = [
        Offer(model, model in taken, model in chosen, _offer_problem(model))
        for model in best.verdict.models
    ]
    shown = {"trials": [best], "offers": offers, "may_add": may_add}
    return _answer(page, request, provider, shown)


def _offer_problem(model: str) -> str | None:
    if model == "*":
        return "This stands for any model; add it by hand if that is meant."
    return model_problem(model)


def trials(provider: Provider) -> list[Trial]:
    """Each credential that is on, tried; without any, the server is asked without a key."""
    from providers.connection import Place, Verdict, try_connection  # its HTTP client is large

    place = Place(ADAPTERS[provider.adapter], provider.base_url, provider.allow_private_network)
    credentials = list(provider.credentials.filter(enabled=True))
    if not credentials:
        return [Trial("", try_connection(place, None))]
    found = []
    for credential in credentials:
        try:
            secret = open_secret(credential.secret, binding(provider.name, credential.label))
        except SecretMissing as missing:
            found.append(Trial(credential.label, Verdict("bad", missing.sentence)))
            continue
        found.append(Trial(credential.label, try_connection(place, secret)))
    return found


def _provider(page: ProviderAdmin, request: HttpRequest, pk: int) -> Provider:
    provider = get_object_or_404(Provider, pk=pk)
    if not page.has_change_permission(request, provider):
        raise PermissionDenied
    return provider


def _answer(
    page: ProviderAdmin, request: HttpRequest, provider: Provider, found: dict[str, object]
) -> HttpResponse:
    fragment = request.headers.get("hx-request") == "true"
    template = "result.html" if fragment else "result_page.html"
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "original": provider,
        "provider": provider,
        "title": "Connection",
        **found,
    }
    return TemplateResponse(request, f"patchbay/providers/{template}", context)


def _add(page: ProviderAdmin, request: HttpRequest, provider: Provider, models: list[str]) -> bool:
    """Whether they were added, and published; if not, the page has been told why."""
    taken = set(provider.deployments.values_list("model", flat=True))
    new = [
        model
        for model in dict.fromkeys(models)
        if model not in taken and _offer_problem(model) is None
    ]
    try:
        with transaction.atomic():
            for model in new:
                Deployment(provider=provider, model=model).save()
            page.publish(request, f"Added {len(new)} deployments of provider {provider}")
    except DocumentInvalid as refusal:
        for problem in refusal.problems:
            messages.error(request, f"Nothing was added. {problem.spoken}")
        return False
    words = "1 deployment" if len(new) == 1 else f"{len(new)} deployments"
    messages.success(request, f"Added {words} to {provider}. Rules can use them now.")
    return True
