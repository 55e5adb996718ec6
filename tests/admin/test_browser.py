"""The admin in a real browser: no sideways scroll, both themes, and what needs a script."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import F

from tests.admin.browser import MARKS, Visiting

pytestmark = MARKS
PAGES = (
    "/admin/",
    "/admin/?range=30d&by=key",
    "/admin/patchbay_providers/provider/",
    "/admin/patchbay_providers/provider/add/",
    "/admin/patchbay_providers/provider/1/change/",
    "/admin/patchbay_providers/deployment/",
    "/admin/patchbay_routing/rule/",
    "/admin/patchbay_routing/rule/1/change/",
    "/admin/patchbay_routing/configversion/1/change/",
    "/admin/patchbay_usage/clientkey/",
    "/admin/patchbay_usage/clientkey/add/",
    "/admin/patchbay_usage/usagerecord/",
    "/admin/patchbay_usage/quota/",
    "/admin/auditlog/logentry/",
)


def fill(logs: Path) -> None:
    """A provider with a rule, a key, and one request in the books."""
    from routing.apply import apply
    from tests.admin.test_home import make_rollup
    from tests.admin.test_records import make_record
    from usage.models import UsageRollup

    apply(
        {
            "providers": [
                {
                    "name": "acme",
                    "adapter": "openai_compatible",
                    "base_url": "http://127.0.0.1:9/v1",
                    "allow_private_network": True,
                    "credentials": [{"label": "main", "secret": "sk-0123456789abcdef"}],
                    "deployments": [
                        {"model": "a-model-with-rather-a-long-name-4.1"},
                        {"model": "*"},
                    ],
                }
            ],
            "rules": [
                {
                    "name": "Smart",
                    "match": {"model": "smart", "headers": {"x-tier": "gold"}},
                    "targets": [
                        {"provider": "acme", "model": "a-model-with-rather-a-long-name-4.1"},
                        {"provider": "acme", "model": "another", "tier": 2},
                    ],
                }
            ],
            "client_keys": [{"name": "ci"}],
            "quotas": [{"client_key": "ci", "metric": "cost", "window": "month", "amount": "25"}],
        }
    )
    make_rollup()
    UsageRollup.objects.update(bucket=F("bucket") - timedelta(hours=2))
    make_rollup()
    make_record(attempts=[["acme", "*", "m", "main", 429, "upstream_rate_limited", 100.0]] * 2)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_no_page_scrolls_sideways_or_complains(visiting: Visiting, width: int, scheme: str):
    with visiting(width, scheme) as visitor:
        for path in PAGES:
            visitor.open(path)
            assert not visitor.scrolls_sideways(), path
            assert visitor.wrong == [], path


def test_a_key_is_issued_copied_and_put_away(visiting: Visiting):
    with visiting(390, "light") as visitor:
        page = visitor.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visitor.open("/admin/patchbay_usage/clientkey/add/")
        page.fill("[name=name]", "from-a-browser")
        page.click("button[name=_save]")
        secret = page.inner_text("#pb-secret")
        assert secret.startswith("pbk_")
        page.click("text=Copy key")
        page.wait_for_selector("text=Copied")
        assert page.evaluate("navigator.clipboard.readText()") == secret
        page.get_by_role("tab").first.focus()
        page.keyboard.press("ArrowRight")
        assert page.locator('[role="tabpanel"]:not([hidden])').count() == 1
        assert "/v1/messages" in page.inner_text('[role="tabpanel"]:not([hidden])')
        assert not visitor.scrolls_sideways()
        assert page.locator("#pb-done").get_attribute("inert") is not None
        page.check("[data-enables]")
        page.click("#pb-done")
        page.wait_for_url("**/clientkey/")
        assert secret not in page.content()
        assert visitor.wrong == []


def test_a_connection_is_tried_without_leaving_the_form(visiting: Visiting):
    with visiting(1440, "light") as visitor:
        page = visitor.page
        visitor.open("/admin/patchbay_providers/provider/1/change/")
        page.fill("[name=base_url]", "http://not-saved.example")
        page.click("text=Test connection")
        page.wait_for_selector("#pb-connection-result .pb-note")
        assert "nothing listens at this address" in page.inner_text("#pb-connection-result")
        assert page.input_value("[name=base_url]") == "http://not-saved.example"
        assert visitor.wrong == []


def test_a_pattern_is_tried_and_its_text_stays_where_saving_is_refused(visiting: Visiting):
    with visiting(1440, "light") as visitor:
        page = visitor.page
        visitor.open("/admin/patchbay_usage/redactionpattern/add/")
        page.fill("[name=name]", "EMAIL")
        page.fill("[name=pattern]", r"EMP-\d{4}")
        page.fill("[name=sample]", "I am EMP-1234.")
        page.press("[name=name]", "Enter")
        page.locator(
            "#redactionpattern_form", has_text="something built in"
        ).wait_for()  # Enter saves
        assert page.input_value("[name=sample]") == "I am EMP-1234."
        page.fill("[name=name]", "EMPLOYEE_ID")
        page.get_by_role("button", name="Try the pattern").click()
        page.wait_for_selector("#pb-tried .pb-note")
        assert "I am <EMPLOYEE_ID_1>." in page.inner_text("#pb-tried")
        assert page.url.endswith("/add/")
        assert visitor.wrong == []


def test_everything_of_a_form_has_a_name_and_the_sidebar_obeys_the_keyboard(visiting: Visiting):
    with visiting(1440, "light") as visitor:
        page = visitor.page
        visitor.open("/admin/patchbay_routing/rule/1/change/")
        nameless = """[...document.querySelectorAll("#main input:not([type=hidden]), #main select")]
            .filter((box) => box.offsetParent && !box.labels.length && !box.ariaLabel)
            .map((box) => box.name)"""
        page.wait_for_function(f"({nameless}).length === 0")
        toggle = page.get_by_role("button", name="Sidebar")
        toggle.focus()
        assert page.locator("#nav-sidebar").is_visible()
        page.keyboard.press("Enter")
        page.wait_for_selector("#nav-sidebar", state="hidden")
        assert visitor.wrong == []


def test_charts_are_drawn_and_follow_the_theme(visiting: Visiting):
    with visiting(1440, "light") as visitor:
        page = visitor.page
        visitor.open("/admin/")
        first = "Chart.getChart(document.querySelector('canvas')).data.datasets[0].backgroundColor"
        page.wait_for_function("Chart.getChart(document.querySelector('canvas'))")
        light = page.evaluate(first)
        page.evaluate("document.documentElement.classList.add('dark')")
        page.wait_for_function(f"{first} !== '{light}'")
        assert visitor.wrong == []


def test_a_line_through_few_points_shows_the_points(visiting: Visiting):
    with visiting(1440, "light") as visitor:
        page = visitor.page
        visitor.open("/admin/")
        line = "Chart.getChart(document.querySelector('[data-chart=latency]'))"
        page.wait_for_function(line)
        values = page.evaluate(f"{line}.data.datasets[0].data.filter((value) => value !== null)")
        assert len(values) == 2
        assert page.evaluate(f"{line}.data.datasets[0].pointRadius") > 0


def test_what_has_the_focus_is_not_behind_the_bar_with_the_buttons(visiting: Visiting):
    with visiting(1440, "light") as visitor:
        page = visitor.page
        page.set_viewport_size({"width": 1440, "height": 640})
        visitor.open("/admin/patchbay_providers/provider/1/change/")
        overlap = """(box) => {
            box.focus();
            const bar = document.getElementById("submit-row").getBoundingClientRect();
            return box.getBoundingClientRect().bottom - bar.top;
        }"""
        for box in page.query_selector_all("#main fieldset input:not([type=hidden])"):
            if box.is_visible():
                assert box.evaluate(overlap) <= 0, box.get_attribute("name")
