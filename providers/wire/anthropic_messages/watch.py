"""Watch a Messages answer go by."""

from __future__ import annotations

import msgspec

from providers.wire import sse
from providers.wire.anthropic_messages.errors import read_error
from providers.wire.anthropic_messages.usage import Tally, WireUsage
from providers.wire.envelope import read_text
from providers.wire.errors import BadAnswer, ErrorInfo
from providers.wire.json_text import OBJECT
from providers.wire.usage import Usage
from providers.wire.watch import Sight, if_readable, size_of


class Block(msgspec.Struct, gc=False):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    input: msgspec.Raw = msgspec.Raw()  # in a union with None, null alone would decode
    data: str | None = None


class Message(msgspec.Struct, gc=False):
    id: str | None = None
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    usage: WireUsage | None = None


class Delta(msgspec.Struct, gc=False):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    signature: str | None = None
    stop_reason: str | None = None


class StreamEvent(msgspec.Struct, gc=False):
    """Any event: the members that a gateway looks at."""

    type: str = ""
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: WireUsage | None = None


class PlainDelta(msgspec.Struct, gc=False, tag="text_delta"):
    """A delta of text; any other does not decode."""

    text: str


class PlainEvent(msgspec.Struct, gc=False, tag="content_block_delta"):
    delta: PlainDelta


class Answer(Message):
    type: str | None = None


_event = msgspec.json.Decoder(StreamEvent)
_answer = msgspec.json.Decoder(Answer)
_usage = msgspec.json.Decoder(WireUsage)
_plain_events = msgspec.json.Decoder(list[PlainEvent])

UNUSUAL = {
    b"message_start": Sight.LIFECYCLE,
    b"ping": Sight.LIFECYCLE,
    b"message_delta": Sight.TAIL,
    b"message_stop": Sight.TERMINAL,
}
DELTA_START = b"event: content_block_delta\ndata: "
PLAIN_BLOCKS = frozenset({"text", "thinking", "tool_use"})
"""Blocks that begin empty and get their content by deltas; others hold it from the start."""


class MessagesWatcher:
    """See providers.wire.watch.Watcher."""

    __slots__ = (
        "_tally",
        "error",
        "finish",
        "output_bytes",
        "response_id",
        "response_model",
    )

    def __init__(self) -> None:
        self._tally = Tally()
        self.response_id = ""
        self.response_model = ""
        self.output_bytes = 0
        self.finish = ""
        self.error: ErrorInfo | None = None

    @property
    def usage(self) -> Usage | None:
        return self._tally.usage()

    def event(self, block: bytes) -> Sight:
        name, data = sse.parse(block)
        if not data:
            return Sight.LIFECYCLE
        try:
            event = _event.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._unusual(name, data)
        return self._event(event, data)

    def _unusual(self, name: bytes, data: bytes) -> Sight:
        """Not of the types that we look at: it goes by its name, and passes unless it is no JSON."""
        if name == b"error":
            self.error = read_error(200, data)
            return Sight.ERROR
        try:
            members = OBJECT.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Sight.BROKEN
        parts = [members.get("message")]
        if name == b"message_delta":
            parts += [msgspec.Raw(data), members.get("delta")]
        for part in parts:
            self._note_members(if_readable(OBJECT, part) or {})
        sight = UNUSUAL.get(name, Sight.CONTENT)
        if sight is Sight.CONTENT:
            self.output_bytes += len(data)
        return sight

    def run(self, blocks: bytes) -> bool:
        try:
            events = _plain_events.decode(sse.as_array(blocks, DELTA_START))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        self.output_bytes += size_of("".join([event.delta.text for event in events]))
        return True

    def _event(self, event: StreamEvent, data: bytes) -> Sight:
        match event.type:
            case "content_block_delta":
                return self._delta(event.delta)
            case "content_block_start":
                return self._start(event.content_block)
            case "message_start" if event.message is not None:
                self._note(event.message)
                return Sight.LIFECYCLE
            case "message_delta":
                return self._message_delta(event)
            case "message_stop":
                return Sight.TERMINAL
            case "error":
                self.error = read_error(200, data)
                return Sight.ERROR
            case _:
                return Sight.LIFECYCLE

    def _delta(self, delta: Delta | None) -> Sight:
        if delta is None:
            return Sight.CONTENT
        size = size_of((delta.text or "") + (delta.thinking or "") + (delta.partial_json or ""))
        self.output_bytes += size
        return Sight.CONTENT if size or delta.signature else Sight.LIFECYCLE

    def _start(self, block: Block | None) -> Sight:
        if block is None or block.type in PLAIN_BLOCKS and not (block.text or block.thinking):
            begun_call = block is not None and block.type == "tool_use"
            return Sight.CONTENT if begun_call else Sight.LIFECYCLE
        self.output_bytes += size_of(block.text) + size_of(block.thinking)
        return Sight.CONTENT

    def _message_delta(self, event: StreamEvent) -> Sight:
        if event.usage is not None:
            self._tally.note(event.usage)
        if event.delta is not None and event.delta.stop_reason:
            self.finish = event.delta.stop_reason
        return Sight.TAIL

    def _note(self, message: Message) -> None:
        self.response_id = message.id or self.response_id
        self.response_model = message.model or self.response_model
        self.finish = message.stop_reason or self.finish
        if message.usage is not None:
            self._tally.note(message.usage)

    def _note_members(self, members: dict[str, msgspec.Raw]) -> None:
        """What can be read of a message in which something is of another type, member by member."""
        self._note(
            Message(
                id=read_text(members, "id"),
                model=read_text(members, "model"),
                stop_reason=read_text(members, "stop_reason"),
                usage=if_readable(_usage, members.get("usage")),
            )
        )

    def body(self, data: bytes) -> None:
        try:
            answer = _answer.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._unusual_body(data)
        if answer.type == "error":
            self.error = read_error(200, data)
            return
        if answer.content is None:
            raise BadAnswer("it is not a message")
        self._note(answer)
        for block in answer.content:
            self.output_bytes += size_of(block.text) + size_of(block.thinking) + len(block.input)

    def _unusual_body(self, data: bytes) -> None:
        try:
            members = OBJECT.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BadAnswer("it is not a JSON object") from None
        if "content" not in members:
            raise BadAnswer("it is not a message")
        self._note_members(members)
        self.output_bytes += len(data)
