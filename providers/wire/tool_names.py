"""Tool names as a format takes them, and back again: [a-zA-Z0-9_-], up to a length."""

from __future__ import annotations

import re

from providers.wire.call_ids import base62

_legal = re.compile(r"[a-zA-Z0-9_-]+")
_foreign = re.compile(r"[^a-zA-Z0-9_-]")


class ToolNames:
    """The names of one request. `originals` maps the changed ones back to the client's."""

    __slots__ = ("_longest", "_sent", "originals")

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._sent: dict[str, str] = {}
        self.originals: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name to send; the same every time."""
        if len(name) <= self._longest and _legal.fullmatch(name):
            return name
        sent = self._sent.get(name)
        if sent is None:
            short = _foreign.sub("_", name)[: self._longest - 9]
            sent = f"{short}_{base62(name, 8)}"
            self._sent[name] = sent
            self.originals[sent] = name
        return sent
