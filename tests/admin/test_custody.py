"""Stored secrets and a provider that changes: they follow its name, and never its address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from providers.models import Credential, Provider
from providers.secrets import open_secret, seal
from routing.apply import apply
from routing.models import ConfigVersion
from routing.publish import newest
from tests.admin.conftest import SECRET
from tests.admin.pages import errors, submit, text
from tests.admin.vendor import Vendor

Staff = Callable[..., Client]
ELSEWHERE = "https://evil.example/v1"
OURS = "https://llm.example:8443/v1"


def change(provider: Provider) -> str:
    return f"/admin/patchbay_providers/provider/{provider.pk}/change/"


@pytest.fixture
def ours(openai: Provider) -> Provider:
    """A server of our own with a secret."""
    openai.adapter, openai.base_url = "openai_compatible", OURS
    openai.save()
    return openai


def refused(client: Client, provider: Provider, **changed: Any) -> dict[str, list[str]]:
    """The mistakes shown; nothing was saved and nothing published."""
    versions = ConfigVersion.objects.count()
    found = errors(submit(client, change(provider), "provider", **changed))
    now = Provider.objects.get(pk=provider.pk)
    assert (now.adapter, now.base_url) == (provider.adapter, provider.base_url)
    assert ConfigVersion.objects.count() == versions
    return found


def test_who_may_edit_providers_cannot_have_a_secret_sent_elsewhere(staff: Staff, openai: Provider):
    editor = staff("view_provider", "change_provider")
    [sentence] = refused(editor, openai, base_url=ELSEWHERE)["base_url"]
    assert "Enter these again in the same step: main." in sentence
    assert "right to change credentials" in sentence


def test_a_secret_that_was_not_sent_elsewhere_is_not_tried_there_either(
    staff: Staff, openai: Provider, vendor: Vendor
):
    editor = staff("view_provider", "change_provider")
    refused(editor, openai, base_url=vendor.url, allow_private_network="on")
    editor.post(f"/admin/patchbay_providers/provider/{openai.pk}/test/")
    assert vendor.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example:8443/v1",
        "https://llm.example/v1",
        "http://llm.example:8443/v1",
        "https://llm.example.:8443/v1",
    ],
    ids=["host", "port", "scheme", "spelling"],
)
def test_another_scheme_host_or_port_is_elsewhere(admin: Client, ours: Provider, address: str):
    assert "base_url" in refused(admin, ours, base_url=address)


@pytest.mark.parametrize(
    "address", ["https://llm.example:8443/openai/v1", "https://LLM.example:8443/v1/"]
)
def test_another_path_of_the_same_server_is_not_elsewhere(
    staff: Staff, ours: Provider, address: str
):
    editor = staff("view_provider", "change_provider")
    assert submit(editor, change(ours), "provider", base_url=address).status_code == 302
    assert open_secret(Credential.objects.get().secret, "openai/main") == SECRET


def test_the_vendors_own_address_may_be_written_out(admin: Client, openai: Provider):
    address = "https://api.openai.com:443/v1"
    assert submit(admin, change(openai), "provider", base_url=address).status_code == 302


def test_another_vendor_is_elsewhere_at_the_same_address_too(admin: Client, ours: Provider):
    assert "Enter these again" in refused(admin, ours, adapter="openai")["adapter"][0]


def test_a_secret_that_is_typed_anew_goes_to_the_new_address(admin: Client, openai: Provider):
    changed = {"base_url": OURS, "credentials-0-new_secret": "sk-for-the-new-one"}
    assert submit(admin, change(openai), "provider", **changed).status_code == 302
    assert open_secret(Credential.objects.get().secret, "openai/main") == "sk-for-the-new-one"
    version = newest()
    assert version is not None
    assert version.document["providers"][0]["base_url"] == OURS


def test_the_same_reference_can_be_typed_anew(admin: Client, openai: Provider):
    openai.credentials.update(secret="env:A_KEY")
    assert "base_url" in refused(admin, openai, base_url=OURS)
    changed = {"base_url": OURS, "credentials-0-new_secret": "env:A_KEY"}
    assert submit(admin, change(openai), "provider", **changed).status_code == 302


def test_every_secret_is_typed_anew_the_disabled_too(admin: Client, openai: Provider):
    spare = seal("sk-of-the-spare", "openai/spare")
    Credential.objects.create(provider=openai, label="spare", secret=spare, enabled=False)
    changed = {"base_url": OURS, "credentials-0-new_secret": "sk-for-the-new-one"}
    [sentence] = refused(admin, openai, **changed)["base_url"]
    assert "same step: spare." in sentence


def test_a_credential_that_goes_away_need_not_be_typed_anew(admin: Client, openai: Provider):
    changed = {"base_url": OURS, "credentials-0-DELETE": "on"}
    assert submit(admin, change(openai), "provider", **changed).status_code == 302
    assert not Credential.objects.exists()


def test_who_may_only_look_at_credentials_cannot_type_one_anew(staff: Staff, openai: Provider):
    editor = staff("view_provider", "change_provider", "view_credential", "add_credential")
    changed = {"base_url": OURS, "credentials-0-new_secret": "sk-of-my-own"}
    assert "base_url" in refused(editor, openai, **changed)
    assert open_secret(Credential.objects.get().secret, "openai/main") == SECRET


def test_a_provider_without_secrets_goes_anywhere(staff: Staff, openai: Provider):
    openai.credentials.all().delete()
    editor = staff("view_provider", "change_provider")
    assert submit(editor, change(openai), "provider", base_url=OURS).status_code == 302


def test_a_file_is_the_operators_and_moves_a_provider_with_its_secret(openai: Provider):
    apply({"providers": [{"name": "openai", "adapter": "openai", "base_url": OURS}]})
    assert open_secret(Credential.objects.get().secret, "openai/main") == SECRET


def test_a_secret_follows_a_new_name_that_somebody_gave_who_may_not_see_it(
    staff: Staff, openai: Provider
):
    editor = staff("view_provider", "change_provider")
    page = text(editor.get(change(openai)))
    assert "credentials-0-label" not in page
    assert submit(editor, change(openai), "provider", name="openai-eu").status_code == 302
    credential = Credential.objects.get()
    assert open_secret(credential.secret, "openai-eu/main") == SECRET
    version = newest()
    assert version is not None
    assert version.document["providers"][0]["credentials"][0]["secret"] == credential.secret


def test_a_secret_follows_a_new_name_of_provider_and_label_at_once(admin: Client, openai: Provider):
    changed = {"name": "openai-eu", "credentials-0-label": "eu"}
    assert submit(admin, change(openai), "provider", **changed).status_code == 302
    assert open_secret(Credential.objects.get().secret, "openai-eu/eu") == SECRET
