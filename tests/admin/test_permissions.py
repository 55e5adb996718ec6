"""Staff with some permissions: each page gives what they may do, and refuses the rest."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from providers.models import Provider
from routing.models import ConfigVersion
from tests.admin.pages import text
from tests.admin.vendor import Vendor

Staff = Callable[..., Client]


def models(client: Client, provider: Provider, *chosen: str):
    path = f"/admin/patchbay_providers/provider/{provider.pk}/models/"
    return client.post(path, {"model": chosen}, headers={"hx-request": "true"})


def test_who_may_not_add_deployments_sees_the_models_on_offer_and_cannot_tick_them(
    staff: Staff, acme: Provider, vendor: Vendor
):
    vendor.offer("gpt-1", "gpt-2")
    editor = staff("view_provider", "change_provider")
    page = text(models(editor, acme))
    assert "gpt-2" in page
    assert "<input" not in page
    assert "<button" not in page


def test_who_may_not_add_deployments_adds_none_past_the_page(staff: Staff, acme: Provider):
    editor = staff("view_provider", "change_provider", "view_deployment", "change_deployment")
    assert models(editor, acme, "gpt-1").status_code == 403
    assert not acme.deployments.exists()
    assert not ConfigVersion.objects.exists()


def test_who_may_add_deployments_adds_them_without_seeing_credentials(
    staff: Staff, acme: Provider, vendor: Vendor
):
    vendor.offer("gpt-1")
    editor = staff("view_provider", "change_provider", "add_deployment")
    assert 'value="gpt-1"' in text(models(editor, acme))
    assert models(editor, acme, "gpt-1").status_code == 302
    assert acme.deployments.get().model == "gpt-1"
