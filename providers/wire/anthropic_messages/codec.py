"""The Codec of Messages."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from providers.wire.anthropic_messages import errors
from providers.wire.anthropic_messages.watch import MessagesWatcher
from providers.wire.codec import Edits, ModelFacts, WireFormat
from providers.wire.envelope import read_count
from providers.wire.errors import ErrorInfo
from providers.wire.watch import Watcher


class MessagesCodec:
    """See providers.wire.codec.Codec."""

    format = WireFormat.ANTHROPIC_MESSAGES

    def watcher(self) -> Watcher:
        return MessagesWatcher()

    def edits(
        self, members: Mapping[str, msgspec.Raw], stream: bool, facts: ModelFacts, cap: int | None
    ) -> Edits:
        """Messages always reports usage, so only a cap is ever set."""
        if cap is None:
            return Edits({}, [])
        return Edits({"max_tokens": b"%d" % cap}, ["max_tokens"])

    def output_cap(self, members: Mapping[str, msgspec.Raw]) -> int | None:
        return read_count(members, "max_tokens")

    def error_status(self, info: ErrorInfo) -> int:
        return errors.error_status(info)

    def write_error(self, info: ErrorInfo, identifier: str) -> bytes:
        return errors.write_error(info, identifier)

    def error_event(self, info: ErrorInfo, identifier: str) -> bytes:
        return errors.error_event(info, identifier)

    def read_error(self, status: int, body: bytes) -> ErrorInfo:
        return errors.read_error(status, body)
