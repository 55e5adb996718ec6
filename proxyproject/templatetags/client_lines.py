"""The copy-paste lines that a page shows for a client key."""

from __future__ import annotations

from django import template
from django.conf import settings

from proxyproject.first_run import Snippet, snippets
from routing.examples import PLACEHOLDER, models_for
from usage.models import ClientKey

register = template.Library()


@register.simple_tag
def client_lines(key: ClientKey | None, secret: str) -> list[Snippet]:
    """For every client, with models that this key may ask for."""
    return snippets(settings.PUBLIC_URL, secret, *models_for(key))


@register.simple_tag
def model_to_put_in(key: ClientKey) -> str:
    """The word in the lines that stands for a model, where none is known; else empty."""
    return PLACEHOLDER.main if models_for(key) == PLACEHOLDER else ""
