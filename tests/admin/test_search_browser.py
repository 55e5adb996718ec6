"""The search of transcripts in a real browser: it fits, and its policy stops nothing that it needs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.admin.browser import MARKS, Visiting
from tests.transcripts.lines import chat, encoded, line, user
from usage.transcripts.database_writer import TranscriptWriter

pytestmark = MARKS
LONG = "The invoice of a customer, and what is wrong with it: " + "a_word_without_any_end_" * 30


def fill(logs: Path) -> None:
    said = (
        line(time.time() + number, status=502, outcome="failed", **chat([user(LONG)], "The tax."))
        for number in range(30)
    )
    writer = TranscriptWriter()
    writer.write(encoded(*said))
    writer.close()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_search_fits_the_screen_and_leads_on(visiting: Visiting, width: int, scheme: str):
    with visiting(width, scheme) as visitor:
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
