"""Testing a connection and fetching models, against a real server on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.test import Client

from providers.models import Deployment, Provider
from routing.publish import newest
from tests.admin.conftest import SECRET
from tests.admin.pages import text
from tests.admin.vendor import Vendor


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that nothing listens at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def tried(admin: Client, provider: Provider, page: str = "test", **data: object) -> str:
    path = f"/admin/patchbay_providers/provider/{provider.pk}/{page}/"
    answer = admin.post(path, data, headers={"hx-request": "true"}, follow=True)
    assert answer.status_code == 200
    return text(answer)


def test_a_good_connection_says_how_many_models_it_offers(
    admin: Client, acme: Provider, vendor: Vendor
):
    vendor.offer("gpt-1", "gpt-2")
    assert "it offers 2 models" in tried(admin, acme)
    [(path, headers)] = vendor.asked
    assert path == "/v1/models"
    assert headers["authorization"] == f"Bearer {SECRET}"


def test_an_anthropic_server_is_asked_in_its_own_way(admin: Client, acme: Provider, vendor: Vendor):
    vendor.offer("claude")
    acme.adapter, acme.base_url = "anthropic", vendor.url.removesuffix("/v1")
    acme.save()
    tried(admin, acme)
    [(path, headers)] = vendor.asked
    assert path == "/v1/models?limit=1000"
    assert headers["x-api-key"] == SECRET
    assert headers["anthropic-version"]


def test_a_server_without_keys_is_asked_without_one(admin: Client, acme: Provider, vendor: Vendor):
    vendor.offer("llama")
    acme.credentials.all().delete()
    assert "it offers 1 model." in tried(admin, acme)
    assert "authorization" not in vendor.asked[0][1]


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, b"<html>no</html>", "the secret is wrong or was revoked"),
        (403, b"", "may not list models"),
        (404, b"", "has no list of models"),
        (429, b"", "asks us to slow down"),
        (503, b"", "has a fault of its own"),
        (418, b"", "it answered 418"),
        (302, b"", "it wants another base URL"),
        (200, b"<html>hello</html>", "not with a list of models"),
        (200, b'{"data": 3}', "not with a list of models"),
        (200, b"[" * 200_000, "not with a list of models"),
    ],
)
def test_each_refusal_has_a_sentence_and_shows_nothing_of_the_body(
    admin: Client, acme: Provider, vendor: Vendor, status: int, body: bytes, sentence: str
):
    vendor.status, vendor.body = status, body
    shown = tried(admin, acme)
    assert sentence in shown
    assert "<html>no" not in shown
    assert SECRET not in shown


def test_a_redirect_is_not_followed(admin: Client, acme: Provider, vendor: Vendor):
    vendor.status, vendor.location = 307, f"{vendor.url}/elsewhere"
    tried(admin, acme)
    assert len(vendor.asked) == 1


def test_a_private_address_is_not_called_unless_allowed(
    admin: Client, acme: Provider, vendor: Vendor
):
    acme.allow_private_network = False
    acme.save()
    assert "is a private address" in tried(admin, acme)
    assert vendor.asked == []


def test_nothing_listening_is_said_in_words(admin: Client, acme: Provider, silent_port: int):
    acme.base_url = f"http://127.0.0.1:{silent_port}/v1"
    acme.save()
    assert "nothing listens at this address" in tried(admin, acme)


def test_an_unknown_name_is_said_in_words(admin: Client, acme: Provider):
    acme.base_url = "https://nobody.invalid/v1"
    acme.save()
    assert "cannot be resolved" in tried(admin, acme)


def test_plain_http_where_tls_was_expected_is_said_in_words(
    admin: Client, acme: Provider, vendor: Vendor
):
    acme.base_url = vendor.url.replace("http://", "https://")
    acme.save()
    assert "No secure connection came about" in tried(admin, acme)


def test_a_secret_that_cannot_be_opened_is_named_by_its_label(admin: Client, acme: Provider):
    acme.credentials.update(secret="env:NOT_SET_ANYWHERE")
    shown = tried(admin, acme)
    assert "Credential “main”" in shown
    assert "NOT_SET_ANYWHERE is not set" in shown


def test_fetched_models_can_be_ticked_and_become_deployments(
    admin: Client, acme: Provider, vendor: Vendor
):
    vendor.offer("gpt-1", "gpt-2", "gpt-3")
    Deployment.objects.create(provider=acme, model="gpt-1")
    assert 'value="gpt-2"' in tried(admin, acme, "models")
    shown = tried(admin, acme, "models", model=["gpt-1", "gpt-2"])
    assert "Added 1 deployment to acme" in shown
    assert sorted(acme.deployments.values_list("model", flat=True)) == ["gpt-1", "gpt-2"]
    version = newest()
    assert version is not None
    assert {"model": "gpt-2"} in version.document["providers"][0]["deployments"]


def test_a_get_neither_calls_the_provider_nor_changes_anything(
    admin: Client, acme: Provider, vendor: Vendor
):
    for page in ("test", "models"):
        path = f"/admin/patchbay_providers/provider/{acme.pk}/{page}/"
        assert admin.get(path).status_code == 405
    assert vendor.asked == []
