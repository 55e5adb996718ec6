"""The words of the pages: no members of the program, no numbers that say nothing."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.test import Client

from providers.models import ModelPrice, Provider
from routing.differences import differences
from tests.admin.pages import errors, submit, text
from tests.admin.test_home import HOME, make_rollup
from tests.admin.test_records import make_record

ADD = "/admin/patchbay_providers/provider/add/"


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"outcome": "refused", "reason": "quota", "cost_nano": 0}, "Nothing was sent"),
        (
            {
                "outcome": "failed",
                "reason": "connect",
                "cost_nano": 0,
                "attempts": [["acme", "*", "m", "main", 0, "connect", 3.0]],
            },
            "Nothing was charged",
        ),
        ({"cost_nano": None}, "No price was known, so no cost was counted."),
        ({"cost_nano": 5, "price_id": "own acme/m"}, "Price: your own for acme/m."),
    ],
)
def test_a_record_says_why_its_cost_is_what_it_is(
    admin: Client, db: None, facts: dict[str, object], sentence: str
):
    record = make_record(**({"price_id": "", "attempts": []} | facts))
    page = text(admin.get(f"/admin/patchbay_usage/usagerecord/{record.pk}/change/"))
    assert sentence in page
    assert ("No price was known" in page) is ("No price was known" in sentence)


def test_an_address_that_is_missing_is_said_in_the_words_of_the_form(admin: Client):
    [sentence] = errors(submit(admin, ADD, "provider", name="a", adapter="openai_compatible"))[
        "base_url"
    ]
    assert sentence == "An address is missing: this vendor has none of its own."


def test_a_name_that_cannot_be_is_told_what_it_may_hold(admin: Client):
    [sentence] = errors(submit(admin, ADD, "provider", name="two words", adapter="openai"))["name"]
    assert sentence == "A name holds only letters, digits, - and _: no blanks."


def test_a_version_calls_things_as_the_pages_do():
    before = {"providers": [{"name": "acme", "adapter": "openai"}]}
    after = {"providers": [{"name": "acme", "adapter": "openai_compatible", "base_url": "x"}]}
    [changed] = differences(before, after)
    assert [line.path for line in changed.lines] == ["vendor", "base URL"]
    assert changed.lines[0].before == "OpenAI"


def test_an_own_price_is_not_numbered(admin: Client, openai: Provider):
    deployment = openai.deployments.get(model="gpt-4.1")
    ModelPrice.objects.create(
        deployment=deployment, input_per_mtok=Decimal(1), output_per_mtok=Decimal(2)
    )
    page = text(admin.get(f"/admin/patchbay_providers/deployment/{deployment.pk}/change/"))
    assert "Price: #" not in re.sub(r"<[^>]+>", "", page)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        (ADD, "Add provider"),
        ("/admin/patchbay_routing/rule/add/", "Add rule"),
        ("/admin/patchbay_usage/clientkey/add/", "Add client key"),
    ],
)
def test_a_page_that_adds_says_so(admin: Client, db: None, path: str, title: str):
    page = text(admin.get(path))
    assert re.search(rf"<title>\s*{title} · Patchbay</title>", page)
    assert re.search(rf"<h1[^>]*>\s*<span[^>]*>{title}</span>\s*</h1>", page)


def test_a_key_that_was_issued_is_no_longer_being_added(admin: Client, db: None):
    page = text(submit(admin, "/admin/patchbay_usage/clientkey/add/", "clientkey", name="ci"))
    assert "Add client key" not in page


def test_the_search_box_names_what_it_finds(admin: Client, db: None):
    page = text(admin.get("/admin/patchbay_routing/rule/"))
    assert "apps and models" not in page
    assert "Search" in page


def test_names_beyond_the_first_few_can_be_shown(admin: Client, db: None):
    for number in range(11):
        make_rollup(request_model=f"model-{number:02}", requests=20 - number)
    page = text(admin.get(HOME))
    assert "model-10" not in page
    assert 'href="?all=yes"' in page
    whole = text(admin.get(f"{HOME}?all=yes"))
    assert "model-10" in whole
    assert "more with fewer requests" not in whole


def test_many_tokens_do_not_read_as_bytes(admin: Client, db: None):
    make_rollup(input_tokens=70_369 * 10**9)
    page = text(admin.get(HOME))
    assert "70.4 tn" in page
    assert not re.search(r"\d B\b", page)
