"""Write an answer as a stream of Messages events: blocks one after another, numbered without gaps."""

from __future__ import annotations

import msgspec

from providers.wire.anthropic_messages.errors import error_event
from providers.wire.anthropic_messages.write_response import (
    NOTHING,
    call_block,
    lose_citations,
    redacted_block,
    write_stop,
    write_usage,
)
from providers.wire.carriers import pack
from providers.wire.codec import AnswerHead
from providers.wire.errors import ErrorInfo
from providers.wire.events import (
    CitationAdd,
    Event,
    Heartbeat,
    MessageEnd,
    MessageStart,
    PartDetails,
    PartEnd,
    ReasoningDelta,
    RefusalDelta,
    ServerActivity,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from providers.wire.json_text import Json
from providers.wire.linearizer import Linearizer
from providers.wire.model import ProviderDetails, Stop
from providers.wire.usage import Usage

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
TEXT_START = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
    b'"delta":{"type":"text_delta","text":'
)
MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

_encode = msgspec.json.encode


class MessagesEncoder:
    """See providers.wire.codec.Encoder."""

    __slots__ = (
        "_head",
        "_kind",
        "_linearizer",
        "_number",
        "_signature",
        "_text_start",
        "_usage",
    )

    def __init__(self, head: AnswerHead) -> None:
        self._head = head
        self._linearizer = Linearizer()
        self._number = -1
        self._kind = ""
        self._signature = ""
        self._text_start = b""
        self._usage: Usage | None = None

    def encode(self, events: list[Event]) -> bytes:
        out: list[bytes] = []
        for event in self._linearizer.feed(events):
            if type(event) is TextDelta and self._kind == "text":
                out += (self._text_start, _encode(event.text), b"}}\n\n")
            else:
                out.append(self._event(event))
        return b"".join(out)

    def fail(self, info: ErrorInfo) -> bytes:
        return error_event(info, self._head.identifier)

    def _event(self, event: Event) -> bytes:
        match event:
            case TextDelta(_, text) | RefusalDelta(_, text):
                return self._open_text() + self._delta(b"text_delta", b"text", text)
            case ToolCallDelta(_, arguments):
                return self._delta(b"input_json_delta", b"partial_json", arguments)
            case ReasoningDelta(_, text):
                return self._open_thinking() + self._delta(b"thinking_delta", b"thinking", text)
            case PartEnd():
                return self._end_block()
            case ToolCallStart():
                return self._call(event)
            case PartDetails(_, details):
                return self._state(details)
            case _:
                return self._other(event)

    def _other(self, event: Event) -> bytes:
        match event:
            case MessageStart(_, model):
                return self._start(model or self._head.model)
            case MessageEnd(stop):
                return self._end(stop)
            case UsageReport(usage):
                self._usage = usage
            case CitationAdd():
                lose_citations(self._head)
            case ServerActivity(kind):
                self._head.lose_activity(kind)
            case Heartbeat():
                return PING
            case _:
                pass
        return b""

    def _start(self, model: str) -> bytes:
        message: Json = {
            "id": f"msg_{self._head.identifier}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(self._usage or NOTHING),
        }
        return _named(b"message_start", {"message": message})

    def _open_text(self) -> bytes:
        return b"" if self._kind == "text" else self._begin("text", {"type": "text", "text": ""})

    def _open_thinking(self) -> bytes:
        if self._kind == "thinking":
            return b""
        return self._begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})

    def _begin(self, kind: str, block: Json) -> bytes:
        self._number += 1
        self._kind = kind
        self._text_start = TEXT_START % self._number
        start = {"index": self._number, "content_block": block}
        return _named(b"content_block_start", start)

    def _delta(self, kind: bytes, member: bytes, text: str) -> bytes:
        return (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"%b","%b":%b}}\n\n' % (self._number, kind, member, _encode(text))
        )

    def _end_block(self) -> bytes:
        """The signature comes last in a block of thinking; an empty one says that there is none."""
        out = b""
        if self._kind == "thinking":
            out = self._delta(b"signature_delta", b"signature", self._signature)
            self._signature = ""
        self._kind = ""
        return out + _named(b"content_block_stop", {"index": self._number})

    def _call(self, event: ToolCallStart) -> bytes:
        carrier = b""
        if event.details is not None:
            carrier = self._open_thinking()
            self._signature = pack(event.details)
            carrier += self._end_block()
        return carrier + self._begin("tool_use", call_block(event.call_id, event.name))

    def _state(self, details: ProviderDetails) -> bytes:
        if self._kind == "tool_use":
            self._head.lose("content", "state of a call that came after its beginning is left out")
            return b""
        if details.kind == "redacted" and self._kind != "thinking":
            return self._begin("redacted", redacted_block(details))
        self._signature = pack(details)
        return self._open_thinking()

    def _end(self, stop: Stop) -> bytes:
        delta = {
            "delta": write_stop(stop, self._head),
            "usage": write_usage(self._usage or NOTHING),
        }
        return _named(b"message_delta", delta) + MESSAGE_STOP


def _named(name: bytes, members: Json) -> bytes:
    """An event; the members after its type, under which the SDKs know it."""
    return b'event: %b\ndata: {"type":"%b",%b\n\n' % (name, name, _encode(members)[1:])
