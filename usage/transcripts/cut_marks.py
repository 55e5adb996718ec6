"""What stands in a stored body where something of it was left out, for readers of every kind. Pure."""

from __future__ import annotations

import re

REST = "[… the rest is left out]"
"""Where it is not known how much there was."""
LONGEST_MARK = 48
"""Bytes of a mark in JSON, at most."""
ROLE = "left_out"
GAP_BYTES, MOST_GAPS = 100, 2
"""Of a message that stands for others, and how often messages are missing between those that are kept."""

_mark = re.compile(r"\[… (?:[0-9,]+ messages?, )?(?:[0-9,]+ bytes are|the rest is) left out\]")


def mark(size: int) -> str:
    """For the end of a text."""
    return f"[… {size:,} bytes are left out]"


def gap(number: int, size: int) -> dict[str, str]:
    """A message in place of others."""
    noun = "message" if number == 1 else "messages"
    return {"role": ROLE, "content": f"[… {number:,} {noun}, {size:,} bytes are left out]"}


def is_gap(role: str, text: str) -> bool:
    """Whether it is one of ours; a client may call a role what it likes."""
    return role == ROLE and _mark.fullmatch(text) is not None


def mark_of(text: str) -> str:
    """The mark at the end of a text, "" where there is none."""
    start = text.rfind("[… ", max(0, len(text) - 2 * LONGEST_MARK))
    return text[start:] if start >= 0 and _mark.fullmatch(text, start) else ""
