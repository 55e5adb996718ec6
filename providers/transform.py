"""The transform lane: client and provider speak different formats, and the hub stands between."""

from __future__ import annotations

import time
from typing import NamedTuple

from providers.endpoint import Endpoint
from providers.errors import Invalid, Truncated, UpstreamFailure
from providers.meter import Meter
from providers.rejection import judge_event
from providers.wire.codec import AnswerHead, Codec
from providers.wire.envelope import Envelope
from providers.wire.errors import BadAnswer, ErrorInfo, FrameTooLarge, Inexpressible
from providers.wire.events import Event, MessageEnd, UsageReport
from providers.wire.fold import fold
from providers.wire.model import Loss, ToolCallPart
from providers.wire.prompt import PromptSize
from providers.wire.sequencer import Sequencer
from providers.wire.sse import Splitter
from providers.wire.usage import Usage
from providers.wire.watch import Sight

MOST_NAMED_LOSSES = 5


class StrictLoss(Inexpressible):
    """A strict key or rule, and a request that would lose some of its meaning."""

    def __init__(self, losses: list[Loss]) -> None:
        named = "; ".join(f"{loss.path}: {loss.reason}" for loss in losses[:MOST_NAMED_LOSSES])
        more = len(losses) - MOST_NAMED_LOSSES
        rest = f"; and {more} more" if more > 0 else ""
        super().__init__(losses[0].path, f"a strict translation would lose this: {named}{rest}")
        self.losses = losses


class HubWatcher:
    """A Watcher of what the Sequencer is told, so that an answer is read once, by its decoder.

    See providers.wire.watch.Watcher.
    """

    __slots__ = ("_codec", "_sequencer", "read")

    def __init__(self, codec: Codec, sequencer: Sequencer) -> None:
        self._codec = codec
        self._sequencer = sequencer
        self.read = codec.decoder(sequencer).read

    @property
    def response_id(self) -> str:
        return self._sequencer.response_id

    @property
    def response_model(self) -> str:
        return self._sequencer.response_model

    @property
    def output_bytes(self) -> int:
        return self._sequencer.output_bytes

    @property
    def finish(self) -> str:
        return self._sequencer.finish

    @property
    def error(self) -> ErrorInfo | None:
        return self._sequencer.error

    @property
    def usage(self) -> Usage | None:
        return self._sequencer.usage

    def event(self, block: bytes) -> Sight:
        """Raises BadAnswer."""
        self.read(block)
        sequencer = self._sequencer
        if sequencer.error is not None:
            return Sight.ERROR
        if sequencer.ended:
            return Sight.TERMINAL
        return Sight.CONTENT if sequencer.content else Sight.LIFECYCLE

    def body(self, data: bytes) -> None:
        self._codec.read_response(data, self._sequencer)


class Transform:
    """See providers.translate.Lane. What of the answer cannot be said joins the request's losses."""

    __slots__ = (
        "_client",
        "_encoder",
        "_head",
        "_prompt",
        "_secret",
        "_sequencer",
        "_splitter",
        "_watcher",
        "content",
        "ended",
        "failure",
        "losses",
        "meter",
        "source",
    )

    def __init__(
        self,
        client: Codec,
        source: Codec,
        head: AnswerHead,
        sequencer: Sequencer,
        prompt: PromptSize,
        secret: str,
    ) -> None:
        self.source = source
        self.content = False
        self.ended = False
        self.failure: UpstreamFailure | None = None
        self.losses = head.losses
        self._client = client
        self._head = head
        self._prompt = prompt
        self._secret = secret
        self._sequencer = sequencer
        self._splitter = Splitter()
        self._encoder = client.encoder(head)
        self._watcher = HubWatcher(source, sequencer)
        self.meter = Meter(self._watcher)

    def feed(self, chunk: bytes) -> bytes:
        """The client's bytes for the whole events that `chunk` completes, up to one that breaks it."""
        if self.ended or self.failure is not None:
            return b""
        try:
            self._read(chunk)
        except (BadAnswer, FrameTooLarge) as error:
            self.failure = Invalid(str(error))
        try:
            return self._pass_on()
        except BadAnswer as error:
            self.failure = Invalid(str(error))
            return b""

    def _read(self, chunk: bytes) -> None:
        """Nothing that follows the end in the same read is looked at. Raises BadAnswer, FrameTooLarge."""
        read, sequencer = self._watcher.read, self._sequencer
        for block in self._splitter.feed(chunk):
            read(block)
            if sequencer.ended:
                return

    def _pass_on(self) -> bytes:
        """What the decoder said, in the client's words. Nothing is said after the end or a failure."""
        sequencer = self._sequencer
        self.content = sequencer.content
        if sequencer.error is not None:
            self.failure = judge_event(sequencer.error, self._secret)
        elif sequencer.ended:
            self.ended = True
            self._lose_dropped()
        return self._encoder.encode(self._said())

    def _said(self) -> list[Event]:
        """What the decoder has said since the last time.

        Clients of this gateway are not to hear of other numbers than its books: where the provider
        gave none, the estimate that is recorded ends the answer.
        """
        events = self._sequencer.take()
        if events and type(events[-1]) is MessageEnd:
            reading = self.meter.reading(self._prompt)
            if reading.source != "provider":
                events.insert(-1, UsageReport(reading.usage))
        return events

    def _lose_dropped(self) -> None:
        if self._sequencer.stateless:
            reason = "state of another vendor's reasoning cannot be handed back, and was left out"
            self._head.lose("reasoning", reason, "hint")
        if self._sequencer.dropped:
            self._head.lose(
                "content", "pieces that could not be read, or have no place here, were left out"
            )

    def finish(self) -> bytes:
        """What was left when the body ended. Raises Truncated unless the answer is whole."""
        rest = self._splitter.flush()
        try:
            if rest.strip():
                self._watcher.read(rest)
            if self._sequencer.is_whole:
                self._sequencer.end()
            out = self._pass_on()
        except BadAnswer as error:
            raise Invalid(str(error)) from None
        if self.failure is not None:
            raise self.failure
        if not self.ended:
            raise Truncated
        return out

    def whole(self, body: bytes) -> bytes:
        """A whole answer. Raises Invalid, or the failure that it reports."""
        try:
            self._watcher.body(body)
        except BadAnswer as error:
            raise Invalid(str(error)) from None
        if self._sequencer.error is not None:
            raise judge_event(self._sequencer.error, self._secret)
        self.content = self.ended = True
        self._lose_dropped()
        return self._client.write_response(fold(self._said()), self._head)

    def fail(self, info: ErrorInfo) -> bytes:
        return self._encoder.fail(info)


class Transformed(NamedTuple):
    """A request written in the provider's format, and the lane its answer will take.

    `losses` grows while the answer goes by: what the client's format cannot say of it.
    """

    body: bytes
    losses: list[Loss]
    edits: list[str]
    lane: Transform


def transform(
    client: Codec,
    provider: Codec,
    envelope: Envelope,
    endpoint: Endpoint,
    output_cap: int | None,
    strict: bool,
    identifier: str,
    secret: str,
) -> Transformed:
    """Raises Unreadable, Inexpressible, or StrictLoss where `strict` and some meaning would go."""
    request, losses = client.read_request(envelope.members)
    request.model = endpoint.model
    written = provider.write_request(request, endpoint.facts, output_cap)
    losses += written.losses
    if strict:
        lost = [loss for loss in losses if loss.weight == "meaning"]
        if lost:
            raise StrictLoss(lost)
    head = AnswerHead(
        identifier=identifier,
        created=int(time.time()),
        model=endpoint.model,
        with_usage=client.wants_usage(envelope.members),
        losses=losses,
    )
    taken = {
        part.call_id
        for message in request.messages
        for part in message.parts
        if isinstance(part, ToolCallPart)
    }
    sequencer = Sequencer(identifier, written.names, taken)
    lane = Transform(client, provider, head, sequencer, envelope.prompt, secret)
    return Transformed(written.body, losses, written.edits, lane)
