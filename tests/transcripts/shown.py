"""What people are shown of a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.transcripts.lines import encoded
from usage.transcripts.render import as_text
from usage.transcripts.render_markdown import as_markdown
from usage.transcripts.stored import Line, read_line

HERE = Path("transcripts.log")


def stored(one: dict[str, Any]) -> Line:
    return read_line(encoded(one), HERE)


def text(one: dict[str, Any]) -> str:
    return "\n".join(as_text(stored(one)))


def markdown(one: dict[str, Any]) -> str:
    return "\n".join(as_markdown(stored(one)))
