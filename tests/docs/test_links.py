"""Every link of the documents leads somewhere, and every page is led to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, Link, anchors, links, pages


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_leads_to_a_file_and_a_heading_that_are_there(path: Path):
    broken = [str(link) for link in links(path) if not _leads_somewhere(link)]
    assert broken == []


def _leads_somewhere(link: Link) -> bool:
    if not link.path.exists():
        return False
    return not link.anchor or link.anchor in anchors(link.path)


def test_each_page_under_docs_is_reached_from_the_index():
    index = DOCS / "index.md"
    listed = {link.path for link in links(index)}
    forgotten = [
        str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if path not in {index, *listed}
    ]
    assert forgotten == []


def test_a_link_to_nowhere_would_be_found(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# A page\n[a](other.md) [b](#a-page) [c](#b) `[d](none.md)`\n")
    broken = [link.target for link in links(page) if not _leads_somewhere(link)]
    assert broken == ["other.md", "#b"]
