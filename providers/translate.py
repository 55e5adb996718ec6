"""Given a client's format and an Endpoint: observe (same format) or transform (through the hub).

Observe changes nothing but what is on the edit list: the model's name, the request for usage
numbers, and the output cap of a cost quota. Transform goes through the hub and reports its losses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import msgspec

from providers.endpoint import Endpoint, Login
from providers.errors import Invalid, Rejected, Truncated, UpstreamFailure
from providers.meter import Meter
from providers.upstream import UpstreamRequest
from providers.wire.codec import Codec, WireFormat
from providers.wire.envelope import Envelope
from providers.wire.errors import BadAnswer, ErrorInfo, FrameTooLarge
from providers.wire.model import Loss
from providers.wire.sse import Splitter
from providers.wire.watch import Sight

MOST_BROKEN_EVENTS = 3
PASSED_HEADERS = (b"anthropic-beta", b"anthropic-version", b"openai-")


class Lane(Protocol):
    """Turns the provider's bytes into the client's.

    `content` and `ended` say what has gone by; `failure` is set when the provider reported one
    in its stream, after the bytes that came before it were returned.
    """

    source: Codec
    meter: Meter
    content: bool
    ended: bool
    failure: UpstreamFailure | None

    def feed(self, chunk: bytes) -> bytes: ...

    def finish(self) -> bytes: ...

    def whole(self, body: bytes) -> bytes: ...

    def fail(self, info: ErrorInfo) -> bytes: ...


class Outbound(NamedTuple):
    """A request ready to send, and the lane its answer will take."""

    request: UpstreamRequest
    endpoint: Endpoint
    login: Login
    format: WireFormat
    same_format: bool
    lane: Lane
    losses: list[Loss]
    edits: list[str]
