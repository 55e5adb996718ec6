"""Deployments are found by what stands on the page, in the picker of targets and in the palette."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory

from providers.models import Deployment, Provider
from proxyproject.search import find

PICKER = {"app_label": "patchbay_routing", "model_name": "target", "field_name": "deployment"}
TERMS = [
    ("any model at openai", ["any model at openai"]),
    ("m-ok at bad", ["m-ok at bad"]),
    ("bad m-ok", ["m-ok at bad"]),
    ("gpt", ["gpt-4.1 at openai"]),
    ("openai gpt", ["gpt-4.1 at openai"]),
    ("nowhere", []),
]


@pytest.fixture
def bad(openai: Provider) -> Provider:
    provider = Provider.objects.create(name="bad", adapter="openai")
    Deployment.objects.create(provider=provider, model="m-ok")
    return provider


@pytest.mark.parametrize(("term", "labels"), TERMS)
def test_the_picker_finds_what_it_shows(admin: Client, bad: Provider, term: str, labels: list[str]):
    found = admin.get("/admin/autocomplete/", PICKER | {"term": term}).json()["results"]
    assert [entry["text"] for entry in found] == labels


@pytest.mark.parametrize(("term", "labels"), TERMS)
def test_the_palette_finds_the_same(operator: object, bad: Provider, term: str, labels: list[str]):
    request = RequestFactory().get("/")
    request.user = operator  # type: ignore[assignment]
    found = [entry.title for entry in find(request, term) if entry.description == "Deployment"]
    assert found == labels
