"""The hub's events: one answer as it comes about.

A legal answer is one MessageStart; then parts, each begun by its first event and ended once by
PartEnd; then one MessageEnd or one Failure, and nothing after it. `index` counts the parts in the
order in which they begin; parts may overlap. Heartbeat and UsageReport may come at any time
between. The Sequencer makes every decoder keep to this.
"""

from __future__ import annotations

import msgspec

from providers.wire.errors import ErrorInfo
from providers.wire.model import Citation, ProviderDetails, Stop
from providers.wire.usage import Usage


class MessageStart(msgspec.Struct, frozen=True, gc=False):
    response_id: str
    model: str


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    index: int
    text: str


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    index: int
    text: str


class RefusalDelta(msgspec.Struct, frozen=True, gc=False):
    index: int
    text: str


class ToolCallStart(msgspec.Struct, frozen=True, gc=False):
    """`details` are the state that its issuer wants back with this call."""

    index: int
    call_id: str
    name: str
    details: ProviderDetails | None = None


class ToolCallDelta(msgspec.Struct, frozen=True, gc=False):
    """A piece of the arguments' JSON text."""

    index: int
    arguments: str


class PartDetails(msgspec.Struct, frozen=True, gc=False):
    """State of a call, or of a reasoning part; it may begin one of these that has no text."""

    index: int
    details: ProviderDetails


class CitationAdd(msgspec.Struct, frozen=True, gc=False):
    """The text part cites this."""

    index: int
    citation: Citation


class PartEnd(msgspec.Struct, frozen=True, gc=False):
    index: int


class UsageReport(msgspec.Struct, frozen=True, gc=False):
    """Cumulative; the last one counts."""

    usage: Usage


class ServerActivity(msgspec.Struct, frozen=True, gc=False):
    """A tool that the provider runs itself was at work; nothing for the client to do."""

    type: str


class Heartbeat(msgspec.Struct, frozen=True, gc=False):
    """The provider is alive and has nothing to say."""


class MessageEnd(msgspec.Struct, frozen=True, gc=False):
    stop: Stop


class Failure(msgspec.Struct, frozen=True, gc=False):
    """The provider reported that the answer cannot be finished."""

    error: ErrorInfo


PartEvent = (
    TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStart
    | ToolCallDelta
    | PartDetails
    | CitationAdd
    | PartEnd
)
Event = MessageStart | PartEvent | UsageReport | ServerActivity | Heartbeat | MessageEnd | Failure
