"""A secret that was typed is stored or asked for again; it is never forgotten without a word."""

from __future__ import annotations

from django.test import Client

from providers.models import Credential, Provider
from providers.secrets import open_secret
from tests.admin.conftest import SECRET
from tests.admin.pages import Answer, errors, fields

ADD = "/admin/patchbay_providers/provider/add/"
AGAIN = "Enter the secret again"


def correct(admin: Client, path: str, shown: Answer, **changed: str) -> Answer:
    """Send the page that is shown once more, as a browser would."""
    return admin.post(path, {**fields(shown, "provider"), **changed, "_save": "Save"})


def mistaken(admin: Client) -> Answer:
    """The page that comes back after a name that cannot be."""
    filled = {"name": "not a name", "adapter": "openai", "credentials-0-new_secret": SECRET}
    return correct(admin, ADD, admin.get(ADD), **filled)


def test_a_row_says_that_its_secret_is_wanted_again(admin: Client):
    found = errors(mistaken(admin))
    assert "name" in found
    assert AGAIN in found["credentials-0-new_secret"][0]


def test_it_is_not_saved_until_the_secret_is_there_again(admin: Client):
    without = correct(admin, ADD, mistaken(admin), name="acme")
    assert AGAIN in errors(without)["credentials-0-new_secret"][0]
    assert not Provider.objects.exists()
    again = correct(admin, ADD, without, name="acme", **{"credentials-0-new_secret": SECRET})
    assert again.status_code == 302
    assert open_secret(Credential.objects.get().secret, "acme/main") == SECRET


def test_a_replaced_secret_is_wanted_again_too(admin: Client, openai: Provider):
    path = f"/admin/patchbay_providers/provider/{openai.pk}/change/"
    filled = {"name": "not a name", "credentials-0-new_secret": "sk-another-0123456789"}
    shown = correct(admin, path, admin.get(path), **filled)
    without = correct(admin, path, shown, name="openai")
    assert AGAIN in errors(without)["credentials-0-new_secret"][0]


def test_a_server_without_keys_needs_no_secret_after_a_mistake(admin: Client):
    filled = {"name": "not a name", "adapter": "openai_compatible", "base_url": "https://a.example"}
    shown = correct(admin, ADD, admin.get(ADD), **filled)
    assert correct(admin, ADD, shown, name="acme").status_code == 302
    assert not Credential.objects.exists()
