"""What was found in a text: a place, its kind, and the value that it stands for. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

SECRET = "SECRET"  # noqa: S105
"""The kind of a span that is hidden without a placeholder."""
HIDDEN = "[hidden]"
BETWEEN = "\n\0\n"
"""Between texts that are searched as one: nothing that is looked for goes across it."""


class Span(NamedTuple):
    """Text from `start` to `end` that must not stay. What comes from outside sets only these three."""

    start: int
    end: int
    kind: str
    value: str = ""
    """The value in its normal form: the same value always has the same. Empty: the text itself."""
    needs: re.Pattern[str] | None = None
    """Counts only if this is found in the words before it."""
    unless: re.Pattern[str] | None = None
    """Does not count if this is found in the words before it."""
    grows: re.Pattern[str] | None = None
    """What belongs to it as well, if the text went on where it ends."""
