"""What the home page says of providers: which cannot serve, and which models have no price."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from providers.forms import listed_price
from providers.models import Deployment, Provider
from providers.standing import Trouble, refusing, troubles


def troubled() -> list[tuple[Provider, Trouble]]:
    """Providers that are on and cannot serve, or not with all that they have."""
    refuse = refusing()
    deployed = set(Deployment.objects.filter(enabled=True).values_list("provider", flat=True))
    return [
        (provider, trouble)
        for provider in Provider.objects.filter(enabled=True).prefetch_related("credentials")
        for trouble in troubles(provider, refuse, provider.pk in deployed)
    ]


def unpriced() -> list[Deployment]:
    """Deployments of one model that neither the operator nor the price list knows the price of."""
    own = Q(price=None) & Q(enabled=True, provider__enabled=True) & ~Q(model="*")
    rows = Deployment.objects.filter(own).select_related("provider")
    return [deployment for deployment in rows if listed_price(deployment) is None]


def real_providers() -> QuerySet[Provider]:
    """Those that a person has added, beside the demo."""
    return Provider.objects.exclude(adapter="demo")
