"""What a worker does not load: megabytes that each of them would hold for nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

LIST = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "proxyproject.settings"
import proxyproject.asgi, proxyproject.urls, proxyproject.management.commands.serve
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules of a process that is about to serve from SQLite."""
    return printed_by(LIST, tmp_path_factory.mktemp("var"))


def printed_by(script: str, directory: Path) -> set[str]:
    """The names that a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"VAR_DIR": str(directory), "PYTHONPATH": str(ROOT), "MODE": "development"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("psycopg", "10 MB, for a database that is not PostgreSQL"),
        ("django.test", "4 MB, for one signal that Ninja looks for there"),
        ("dns", "3 MB, for checks that the health page does not have"),
        ("httpx", "2 MB, for the button that tests a provider's connection"),
        ("numpy", "20 MB, for search by meaning where there is no pgvector"),
    ],
)
def test_a_worker_does_not_load(what: str, why: str, loaded: set[str]) -> None:
    assert {"unfold.overrides", "ninja.conf", "health_check.views"} <= loaded
    assert what not in loaded, why


def test_what_was_away_can_be_imported_afterwards(tmp_path: Path) -> None:
    later = LIST.replace("print(", "import django.test, django.contrib.postgres.fields\nprint(", 1)
    later = later.replace(
        "print(", "django.test.Client, django.contrib.postgres.fields.ArrayField\nprint(", 1
    )

    assert {"django.test.client", "psycopg"} <= printed_by(later, tmp_path)


VENDORS = """
import gc, json
from providers.prices import library_price, vendor_at
vendor = vendor_at("https://api.openai.com/v1")
assert library_price(vendor, "gpt-4o").input
from genai_prices.types import Provider
gc.collect()
print(json.dumps([each.id for each in gc.get_objects() if isinstance(each, Provider)]))
"""


def test_of_the_price_library_a_worker_keeps_the_vendors_in_use(tmp_path: Path) -> None:
    assert printed_by(VENDORS, tmp_path) == {"openai"}
