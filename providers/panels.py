"""What the home page says of providers: which cannot serve, and which models have no price."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from providers.adapters.registry import ADAPTERS
from providers.forms import listed_price
from providers.models import Deployment, Provider


def without_deployments() -> QuerySet[Provider]:
    return Provider.objects.filter(enabled=True).exclude(deployments__enabled=True)


def without_credentials() -> list[Provider]:
    """Vendors that want a secret and have none; a compatible server may do without."""
    return [
        provider
        for provider in Provider.objects.filter(enabled=True).exclude(credentials__enabled=True)
        if provider.adapter in ADAPTERS and ADAPTERS[provider.adapter].prices
    ]


def unpriced() -> list[Deployment]:
    """Deployments of one model that neither the operator nor the price list knows the price of."""
    own = Q(price=None) & Q(enabled=True, provider__enabled=True) & ~Q(model="*")
    rows = Deployment.objects.filter(own).select_related("provider")
    return [deployment for deployment in rows if listed_price(deployment) is None]


def real_providers() -> QuerySet[Provider]:
    """Those that a person has added, beside the demo."""
    return Provider.objects.exclude(adapter="demo")
