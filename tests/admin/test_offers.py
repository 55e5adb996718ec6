"""Models on offer: what cannot be used is shown with the reason, and a refusal loses no tick."""

from __future__ import annotations

import pytest
from django.test import Client

from providers.models import Provider
from providers.problems import Problem
from tests.admin.pages import errors, submit, text
from tests.admin.vendor import Vendor


def fetched(admin: Client, provider: Provider, **sent: object) -> str:
    path = f"/admin/patchbay_providers/provider/{provider.pk}/models/"
    return text(admin.post(path, sent, follow=True))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("two words", "holds no blanks"),
        ("gpt-*", "Name one model"),
        ("*", "stands for any model"),
        ("m" * 201, "at most 200 characters"),
    ],
)
def test_a_name_that_cannot_be_used_cannot_be_ticked_and_says_why(
    admin: Client, acme: Provider, vendor: Vendor, name: str, why: str
):
    vendor.offer(name, "gpt-1")
    page = fetched(admin, acme)
    assert why in page
    assert f'value="{name}"' not in page
    assert 'value="gpt-1"' in page


def test_one_that_is_sent_nevertheless_holds_up_no_other(
    admin: Client, acme: Provider, vendor: Vendor
):
    vendor.offer("two words", "gpt-1")
    page = fetched(admin, acme, model=["two words", "gpt-1"])
    assert [row.model for row in acme.deployments.all()] == ["gpt-1"]
    assert "Added 1 deployment" in page


def test_a_refusal_keeps_the_ticks_and_names_no_path(admin: Client, acme: Provider, vendor: Vendor):
    Provider.objects.create(name="bad", adapter="openai", base_url="nowhere")
    vendor.offer("gpt-1", "gpt-2")
    page = fetched(admin, acme, model=["gpt-2"])
    assert "Nothing was added" in page
    assert "Provider “bad”, base URL:" in page
    assert "providers[" not in page
    assert 'value="gpt-2" checked' in page
    assert 'value="gpt-1" checked' not in page
    assert not acme.deployments.exists()


@pytest.mark.parametrize(
    ("path", "spoken"),
    [
        ("rules[GPT [old] v2].targets[0].weight", "Rule “GPT [old] v2”, target 1, weight: No."),
        (
            "providers[acme].credentials[main].secret",
            "Provider “acme”, credential “main”, secret: No.",
        ),
        ("targets[1].upstream_model", "Target 2, model: No."),
        ("match.headers", "Match, headers: No."),
        ("", "No."),
    ],
)
def test_a_path_is_spoken_in_the_words_of_the_pages(path: str, spoken: str):
    assert Problem(path, "No.").spoken == spoken


def test_a_weight_that_cannot_be_is_told_in_words(admin: Client, rule: object):
    found = errors(
        submit(
            admin,
            "/admin/patchbay_routing/rule/1/change/",
            "rule",
            **{"targets-0-weight": "2000000"},
        )
    )
    assert "targets[" not in str(found)
    assert "1000000 or less" in str(found)
