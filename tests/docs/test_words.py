"""The documents hold nothing that belongs to one machine or one workplace."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, pages

LONGEST_DECISION = 40
LONGEST_README = 150
FORBIDDEN = (
    r"(?<![\w.])/(home|root|work|Users)/",  # paths of somebody's machine
    r"\b(nexus|artifactory|devpi)\b",  # package registries of a workplace
    r"https?://[^\s)]*/simple\b",  # index addresses
    r"--(extra-)?index-url",
    r"\bpbk_[0-9A-Za-z]{38}\b",  # a whole client key
    r"\bsk-[0-9A-Za-z-]{16,}",  # a provider's secret
    r"\b(TODO|FIXME|XXX|TBD)\b",
)


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_a_page_holds_no_forbidden_word(path: Path, pattern: str):
    found = re.search(pattern, path.read_text())
    assert found is None, f"{path.name} holds {found[0]!r}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda path: path.stem
)
def test_a_decision_is_short_and_says_why_what_and_then_what(path: Path):
    text = path.read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= LONGEST_DECISION


def test_decisions_are_numbered_without_a_gap():
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs/decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_readme_can_be_read_in_a_few_minutes():
    assert len((ROOT / "README.md").read_text().splitlines()) <= LONGEST_README
