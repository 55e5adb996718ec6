"""Pages beside the admin: where there is none, where something failed, and the icon of the site."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory
from django.views.defaults import bad_request, server_error

from tests.admin.pages import text


def test_an_address_that_leads_nowhere_has_a_page(admin: Client, db: None):
    answer = admin.get("/admin/nothing/")
    assert answer.status_code == 404
    assert "There is no such page" in text(answer)
    assert 'href="/admin/"' in text(answer)


def test_a_page_that_one_may_not_open_says_so(staff: Callable[..., Client]):
    answer = staff("view_rule").get("/admin/patchbay_providers/provider/")
    assert answer.status_code == 403
    assert "You may not open this page" in text(answer)


def test_faults_have_pages_that_need_nothing_else():
    request = RequestFactory().get("/admin/")
    fault = server_error(request)
    assert fault.status_code == 500
    assert "Something went wrong here" in fault.content.decode()
    assert "cannot be read" in bad_request(request, ValueError("secret")).content.decode()


@pytest.mark.parametrize("path", ["/favicon.ico"])
def test_the_icon_is_where_browsers_look_for_it(path: str):
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["location"].endswith("icon.svg")
