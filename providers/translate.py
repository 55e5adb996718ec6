"""Given a client's format and an Endpoint: observe (same format) or transform (through the hub).

Observe changes nothing but what is on the edit list: the model's name, the request for usage
numbers, and the output cap of a cost quota. Transform goes through the hub and reports its losses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from providers.endpoint import Endpoint, Login
from providers.observe import Observe
from providers.transform import transform
from providers.upstream import UpstreamRequest
from providers.wire.codec import Codec, WireFormat
from providers.wire.envelope import Envelope
from providers.wire.errors import ErrorInfo

if TYPE_CHECKING:
    from providers.errors import UpstreamFailure
    from providers.meter import Meter
    from providers.wire.model import Loss

PASSED_HEADERS = frozenset({b"anthropic-beta", b"anthropic-version"})
PASSED_PREFIX = b"openai-"


class Lane(Protocol):
    """Turns the provider's bytes into the client's.

    `content` and `ended` say what has gone by; `failure` is set when the provider reported one
    in its stream, or broke it, after the bytes that came before it were returned.
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

    @property
    def asks_the_same(self) -> bool:
        """Whether the provider is asked what the client asked, if maybe in other bytes."""
        return self.same_format and not self.edits


class Ask(NamedTuple):
    """What a client asked for. `identifier` is the Exchange's, `output_cap` a quota's or None."""

    format: WireFormat
    envelope: Envelope
    headers: Mapping[bytes, bytes]
    identifier: str
    output_cap: int | None
    strict: bool


class Translator:
    """Makes the Outbound of each Attempt. Stateless."""

    def __init__(self, codecs: Mapping[WireFormat, Codec]) -> None:
        self._codecs = codecs

    def codec(self, wire_format: WireFormat) -> Codec:
        return self._codecs[wire_format]

    def outbound(self, ask: Ask, endpoint: Endpoint) -> Outbound:
        """Raises Inexpressible or Unreadable for what cannot be asked there."""
        wire_format = endpoint.format_for(ask.format)
        if wire_format is ask.format:
            return self._observed(ask, endpoint, wire_format)
        return self._transformed(ask, endpoint, wire_format)

    def _observed(self, ask: Ask, endpoint: Endpoint, wire_format: WireFormat) -> Outbound:
        codec, envelope = self._codecs[wire_format], ask.envelope
        login = endpoint.login()
        cap = _cap(ask, endpoint)
        edits = codec.edits(envelope.members, envelope.stream, endpoint.facts, cap)
        changed, names = edits.members, edits.names
        if endpoint.model != envelope.model:
            changed["model"] = msgspec.json.encode(endpoint.model)
            names = ["model", *names]
        return Outbound(
            request=_request(
                endpoint, wire_format, login, _passed(ask), envelope.with_members(changed)
            ),
            endpoint=endpoint,
            login=login,
            format=wire_format,
            same_format=True,
            lane=Observe(codec, edits.drops_usage, ask.identifier, login.secret),
            losses=[],
            edits=names,
        )

    def _transformed(self, ask: Ask, endpoint: Endpoint, wire_format: WireFormat) -> Outbound:
        codec, login = self._codecs[wire_format], endpoint.login()
        made = transform(
            client=self._codecs[ask.format],
            provider=codec,
            envelope=ask.envelope,
            endpoint=endpoint,
            output_cap=_cap(ask, endpoint),
            strict=ask.strict,
            identifier=ask.identifier,
            secret=login.secret,
        )
        return Outbound(
            request=_request(endpoint, wire_format, login, _named(ask), made.body),
            endpoint=endpoint,
            login=login,
            format=wire_format,
            same_format=False,
            lane=made.lane,
            losses=made.losses,
            edits=made.edits,
        )

    def count_tokens(self, ask: Ask, endpoint: Endpoint, login: Login) -> UpstreamRequest | None:
        """The provider's own count, where it speaks the client's format and has one."""
        path = endpoint.adapter.count_tokens_path
        if not path or endpoint.format_for(ask.format) is not ask.format:
            return None
        members = ask.envelope.members
        changed = self._codecs[ask.format].edits(members, False, endpoint.facts, None).members
        changed["model"] = msgspec.json.encode(endpoint.model)
        body = ask.envelope.with_members(changed)
        headers = login.headers | _passed(ask)
        return UpstreamRequest(endpoint.base_url + path, headers, body, endpoint.allow_private)


def _request(
    endpoint: Endpoint,
    wire_format: WireFormat,
    login: Login,
    passed: dict[str, str],
    body: bytes,
) -> UpstreamRequest:
    url = endpoint.base_url + endpoint.adapter.paths[wire_format]
    return UpstreamRequest(url, login.headers | passed, body, endpoint.allow_private)


def _cap(ask: Ask, endpoint: Endpoint) -> int | None:
    """What a quota caps the answer to, but not above what the model can give: some refuse that."""
    cap, most = ask.output_cap, endpoint.facts.max_output
    return cap if cap is None or most is None else min(cap, most)


def _passed(ask: Ask) -> dict[str, str]:
    """The client's headers that a provider of the same format gets to see, and our id."""
    passed = _named(ask)
    for name, value in ask.headers.items():
        if name in PASSED_HEADERS or name.startswith(PASSED_PREFIX):
            passed[name.decode("ascii")] = value.decode("latin-1")
    return passed


def _named(ask: Ask) -> dict[str, str]:
    """Our own id of the request, under which a provider's support may find it; never the client's."""
    return {"x-request-id": ask.identifier}
