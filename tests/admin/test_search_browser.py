"""The search of transcripts in a real browser: it fits, and its policy stops nothing that it needs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.databases import copy_template, sqlite, use_database
from tests.transcripts.lines import chat, encoded, line, user
from usage.transcripts.database_writer import TranscriptWriter

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from tests.admin.browser import CHROMIUM, NAME, PASSWORD, browser, gateway, visit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]
LONG = "The invoice of a customer, and what is wrong with it: " + "a_word_without_any_end_" * 30


def fill() -> None:
    User.objects.create_superuser(NAME, password=PASSWORD)
    said = (
        line(time.time() + number, status=502, outcome="failed", **chat([user(LONG)], "The tax."))
        for number in range(30)
    )
    writer = TranscriptWriter()
    writer.write(encoded(*said))
    writer.close()


@pytest.fixture(scope="module")
def served(
    template: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[str]:
    database = copy_template(template, tmp_path_factory.mktemp("browser") / "patchbay.db")
    with django_db_blocker.unblock(), use_database(sqlite(database)):
        fill()
    with gateway(database) as address:
        yield address


@pytest.fixture(scope="module")
def chromium(served: str) -> Iterator[Any]:
    with browser() as started:
        yield started


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_search_fits_the_screen_and_leads_on(chromium: Any, served: str, width: int, scheme: str):
    with visit(chromium, served, width, scheme) as visitor:
        page = visitor.page
        visitor.open("/admin/patchbay_usage/transcript/")
        page.fill("[name=q]", '"the invoice"')
        page.keyboard.press("Enter")
        page.wait_for_url("**q=**")
        page.locator("summary", has_text="Filters").click()
        assert page.locator("mark").count() == 25
        assert not visitor.scrolls_sideways()
        page.fill("[name=key]", "alice")
        page.get_by_role("button", name="Search", exact=True).last.click()
        page.get_by_role("link", name="Older").click()
        page.wait_for_url("**before=**")
        assert page.locator("mark").count() == 5
        assert page.input_value("[name=key]") == "alice"
        assert visitor.wrong == []
