"""The client paths: which wire format each speaks and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from providers.wire.codec import WireFormat


@dataclass(frozen=True, slots=True)
class ClientPath:
    """`kind` is the record's; `required` are members that a body must have."""

    format: WireFormat
    kind: str
    required: tuple[str, ...]


CHAT_COMPLETIONS = ClientPath(WireFormat.OPENAI_CHAT, "chat", ("model", "messages"))
MESSAGES = ClientPath(WireFormat.ANTHROPIC_MESSAGES, "chat", ("model", "messages"))
COUNT_TOKENS = ClientPath(WireFormat.ANTHROPIC_MESSAGES, "count_tokens", ("model", "messages"))

PREFIXES: Mapping[WireFormat, str] = MappingProxyType(
    {WireFormat.OPENAI_CHAT: "/v1/chat/", WireFormat.ANTHROPIC_MESSAGES: "/v1/messages"}
)


class ClientCall:
    """A request before its body is read: path, headers by lower-case name, query string."""

    __slots__ = ("headers", "path", "query")

    def __init__(self, path: str, headers: Mapping[bytes, bytes], query: bytes) -> None:
        self.path = path
        self.headers = headers
        self.query = query

    @property
    def format(self) -> WireFormat:
        """The format that the path implies, or the headers where it leaves that open.

        Refusals are written in it.
        """
        for form, prefix in PREFIXES.items():
            if self.path.startswith(prefix):
                return form
        if b"anthropic-version" in self.headers:
            return WireFormat.ANTHROPIC_MESSAGES
        return WireFormat.OPENAI_CHAT
