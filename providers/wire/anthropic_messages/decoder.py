"""Read Messages answers, whole or as a stream.

A block is begun by its first content: blocks without any are no parts, as other formats have no
word for an empty text. Blocks of tools that the provider runs itself are activity, never calls.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from providers.wire import sse
from providers.wire.anthropic_messages.errors import read_error
from providers.wire.anthropic_messages.usage import Tally, WireUsage
from providers.wire.errors import BadAnswer
from providers.wire.halves import Halves
from providers.wire.lenient import read_leniently
from providers.wire.model import Citation, ProviderDetails, Stop, StopReason
from providers.wire.sequencer import Sequencer

VENDOR = "anthropic"
CONTENT = ("content", "delta")
STOPS = {
    "end_turn": StopReason.END,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.CONTEXT_FULL,
    "tool_use": StopReason.TOOL_USE,
    "refusal": StopReason.REFUSAL,
    "pause_turn": StopReason.PAUSE,
}


class CitedPlace(msgspec.Struct, gc=False):
    url: str | None = None
    title: str | None = None
    document_title: str | None = None


class Block(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw()  # in a union with None, null alone would decode
    citations: list[CitedPlace] | None = None


class StopDetails(msgspec.Struct, gc=False):
    explanation: str | None = None


class Delta(msgspec.Struct, gc=False):
    """A block's delta, or what message_delta says of the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    signature: str | None = None
    citation: CitedPlace | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class Answer(msgspec.Struct, gc=False):
    type: str = ""
    id: str | None = None
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: WireUsage | None = None


class StreamEvent(msgspec.Struct, gc=False):
    type: str = ""
    index: int = 0
    message: Answer | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: WireUsage | None = None


S = TypeVar("S", Answer, StreamEvent)

_event = msgspec.json.Decoder(StreamEvent)
_answer = msgspec.json.Decoder(Answer)


class MessagesDecoder:
    """See providers.wire.codec.Decoder."""

    __slots__ = ("_halves", "_hosted", "_sequencer", "_tally")

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer
        self._tally = Tally()
        self._hosted = -1
        self._halves = Halves(sequencer)

    def read(self, block: bytes) -> None:
        name, data = sse.parse(block)
        if not data:
            return self._sequencer.heartbeat()
        try:
            event = self._decode(_event, StreamEvent, data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if name == b"error":
                return self._sequencer.fail(read_error(200, data))
            return self._sequencer.broken()
        return self._read(event, data)

    def _decode(self, decoder: msgspec.json.Decoder[S], kind: type[S], data: bytes) -> S:
        """Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError."""
        try:
            return decoder.decode(data)
        except msgspec.ValidationError:
            found, unread = read_leniently(kind, data)
            self._sequencer.dropped += any(path.startswith(CONTENT) for path in unread)
            return found
        except msgspec.DecodeError:
            mended = self._halves.mend(data)
            if mended is None:
                raise
            return self._decode(decoder, kind, mended)

    def _read(self, event: StreamEvent, data: bytes) -> None:
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._delta(event.index, event.delta)
            case "content_block_start" if event.content_block is not None:
                self._begin(event.index, event.content_block, streamed=True)
            case "content_block_stop":
                self._sequencer.end_part(event.index)
            case "message_start" if event.message is not None:
                self._sequencer.start(event.message.id, event.message.model)
                self._count(event.message.usage)
            case "message_delta":
                self._message_delta(event)
            case "message_stop":
                self._sequencer.end()
            case "error":
                self._sequencer.fail(read_error(200, data))
            case "ping":
                self._sequencer.heartbeat()
            case _:
                pass

    def _delta(self, index: int, delta: Delta) -> None:
        sequencer = self._sequencer
        if index == self._hosted:
            return
        if delta.text:
            sequencer.text(delta.text, index)
        elif delta.partial_json:
            sequencer.arguments(index, delta.partial_json)
        elif delta.thinking:
            sequencer.reasoning(delta.thinking, index)
        elif delta.signature:
            sequencer.details(ProviderDetails(VENDOR, "signature", delta.signature), index)
        elif delta.citation is not None:
            self._cite(delta.citation, index)

    def _begin(self, index: int, block: Block, streamed: bool) -> None:
        """A block, which may hold content from its start; a whole one does not end by itself."""
        sequencer = self._sequencer
        match block.type:
            case "text":
                sequencer.text(block.text or "", index)
                for citation in block.citations or ():
                    self._cite(citation, index)
            case "thinking":
                sequencer.reasoning(block.thinking or "", index)
                if block.signature:
                    sequencer.details(ProviderDetails(VENDOR, "signature", block.signature), index)
            case "redacted_thinking":
                sequencer.details(ProviderDetails(VENDOR, "redacted", block.data or ""), index)
            case "tool_use":
                sequencer.call(index, block.id, block.name or "")
                given = bytes(block.input)
                if given and not (streamed and given == b"{}"):
                    sequencer.arguments(index, given.decode())
            case _:
                self._hosted = index
                sequencer.activity(block.type)

    def _cite(self, place: CitedPlace, index: int) -> None:
        title = place.title or place.document_title
        self._sequencer.citation(Citation(place.url, title), index)

    def _message_delta(self, event: StreamEvent) -> None:
        self._count(event.usage)
        delta = event.delta
        if delta is not None and delta.stop_reason:
            self._stop(delta.stop_reason, delta.stop_sequence, delta.stop_details)

    def _stop(self, word: str, sequence: str | None, details: StopDetails | None) -> None:
        reason = STOPS.get(word, StopReason.OTHER)
        explanation = details.explanation if details is not None else None
        self._sequencer.stop(Stop(reason, word, sequence, explanation))

    def _count(self, usage: WireUsage | None) -> None:
        if usage is not None:
            self._tally.note(usage)
            self._sequencer.count(self._tally.usage())

    def read_whole(self, body: bytes) -> None:
        """A whole answer. Raises BadAnswer."""
        try:
            answer = self._decode(_answer, Answer, body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BadAnswer("it is not a message") from None
        sequencer = self._sequencer
        if answer.type == "error":
            return sequencer.fail(read_error(200, body))
        if answer.content is None:
            raise BadAnswer("it is not a message")
        sequencer.start(answer.id, answer.model)
        self._count(answer.usage)
        for index, block in enumerate(answer.content):
            self._begin(index, block, streamed=False)
            sequencer.end_part(index)
        if answer.stop_reason:
            self._stop(answer.stop_reason, answer.stop_sequence, answer.stop_details)
        return sequencer.end()
