"""Reads the documents: their pages, headings, links and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_fence = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_block = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_code = re.compile(r"`[^`\n]*`")
_link = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_heading = re.compile(r"^(#{1,6})\s+(.+?)\s*$", re.MULTILINE)


class Link(NamedTuple):
    """A link to somewhere in the project. `anchor` is "" where it has none."""

    page: Path
    target: str

    @property
    def path(self) -> Path:
        place = self.target.partition("#")[0]
        return (self.page.parent / place).resolve() if place else self.page

    @property
    def anchor(self) -> str:
        return self.target.partition("#")[2]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.target}"


def pages() -> list[Path]:
    """Every document: those at the top of the project, and those under docs/."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def page(name: str) -> str:
    """The text of a page under docs/."""
    return (DOCS / name).read_text("utf-8")


def links(path: Path) -> Iterator[Link]:
    """Every link of a page that leads to a file of the project."""
    text = _code.sub("", _fence.sub("", path.read_text("utf-8")))
    for match in _link.finditer(text):
        if not re.match(r"[a-z]+:", match[1]):
            yield Link(path, match[1])


def anchors(path: Path) -> set[str]:
    """The anchors that the headings of a page give, as GitHub makes them."""
    text = _fence.sub("", path.read_text("utf-8"))
    return {_anchor(match[2]) for match in _heading.finditer(text)}


def _anchor(heading: str) -> str:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def code(path: Path, language: str) -> list[str]:
    """What a page gives to copy in a language, block by block."""
    return [text for name, text in _block.findall(path.read_text("utf-8")) if name == language]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row whose first cell is a name in code marks, the marks taken off."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| `") and cells[0].endswith("`"):
            found.append([cells[0].strip("`"), *cells[1:]])
    return found


def first_names(text: str) -> list[str]:
    """The names in the first column of every table."""
    return [row[0] for row in rows(text)]


def section(text: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    _, _, rest = text.partition(f"\n## {heading}\n")
    return rest.partition("\n## ")[0]
