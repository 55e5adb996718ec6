"""Write an answer as a stream of Chat Completions chunks."""

from __future__ import annotations

import msgspec

from providers.wire.codec import AnswerHead
from providers.wire.errors import BadAnswer, ErrorInfo
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
from providers.wire.model import Citation, ProviderDetails, Stop
from providers.wire.openai_chat.errors import error_event
from providers.wire.openai_chat.write_response import (
    NOTHING,
    write_call,
    write_call_state,
    write_citation,
    write_state,
    write_stop,
    write_usage,
)
from providers.wire.usage import Usage

LARGEST_THOUGHTS = 8 * 2**20
SIZE_OF_PIECE = 64

_encode = msgspec.json.encode


class ChatEncoder:
    """See providers.wire.codec.Encoder. Calls keep their overlap: this format numbers them."""

    __slots__ = (
        "_citations",
        "_calls",
        "_head",
        "_prefix",
        "_said",
        "_suffix",
        "_text_end",
        "_text_start",
        "_thought",
        "_thoughts",
        "_usage",
    )

    def __init__(self, head: AnswerHead) -> None:
        self._head = head
        self._prefix = b""
        self._suffix = b',"usage":null}\n\n' if head.with_usage else b"}\n\n"
        self._text_start = b""
        self._text_end = b'},"finish_reason":null}]' + self._suffix
        self._citations = 0
        self._calls: dict[int, int] = {}
        self._said: set[int] = set()
        self._thoughts: dict[int, list[str]] = {}
        self._thought = 0
        self._usage: Usage | None = None

    def encode(self, events: list[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if type(event) is TextDelta:
                out += (self._text_start, _encode(event.text), self._text_end)
            else:
                out.append(self._event(event))
        return b"".join(out)

    def fail(self, info: ErrorInfo) -> bytes:
        return error_event(info, self._head.identifier)

    def _event(self, event: Event) -> bytes:
        match event:
            case ToolCallDelta(index, arguments):
                return self._arguments(index, arguments)
            case ReasoningDelta(index, text):
                return self._think(index, text)
            case RefusalDelta(_, text):
                return self._delta(b'{"refusal":' + _encode(text) + b"}")
            case ToolCallStart():
                return self._call(event)
            case PartEnd(index):
                return self._end_part(index)
            case _:
                return self._other(event)

    def _other(self, event: Event) -> bytes:
        match event:
            case MessageStart(_, model):
                return self._start(model or self._head.model)
            case PartDetails(index, details):
                return self._state(index, details)
            case CitationAdd(_, citation):
                return self._citation(citation)
            case ServerActivity(kind):
                self._head.lose_activity(kind)
            case UsageReport(usage):
                self._usage = usage
            case MessageEnd(stop):
                return self._end(stop)
            case Heartbeat():
                return b": ping\n\n"
            case _:
                pass
        return b""

    def _start(self, model: str) -> bytes:
        head = {
            "id": f"chatcmpl-{self._head.identifier}",
            "object": "chat.completion.chunk",
            "created": self._head.created,
            "model": model,
        }
        self._prefix = b"data: " + _encode(head)[:-1]
        self._text_start = self._prefix + b',"choices":[{"index":0,"delta":{"content":'
        return self._delta(b'{"role":"assistant","content":""}')

    def _delta(self, delta: bytes, finish: bytes = b"null") -> bytes:
        return b"".join(
            (
                self._prefix,
                b',"choices":[{"index":0,"delta":',
                delta,
                b',"finish_reason":',
                finish,
                b"}]",
                self._suffix,
            )
        )

    def _call(self, event: ToolCallStart) -> bytes:
        number = self._calls[event.index] = len(self._calls)
        function = {"name": event.name, "arguments": ""}
        call = {"index": number, **write_call(event.call_id, function, event.details)}
        return self._delta(_encode({"tool_calls": [call]}))

    def _think(self, index: int, text: str) -> bytes:
        """What is signed is said once more with its signature, which comes last."""
        self._thought += len(text) + SIZE_OF_PIECE
        if self._thought > LARGEST_THOUGHTS:
            raise BadAnswer("its reasoning is longer than can be kept")
        self._thoughts.setdefault(index, []).append(text)
        return self._delta(b'{"reasoning_content":' + _encode(text) + b"}")

    def _arguments(self, index: int, piece: str) -> bytes:
        self._said.add(index)
        number = self._calls[index]
        return self._delta(
            b'{"tool_calls":[{"index":%d,"function":{"arguments":' % number
            + _encode(piece)
            + b"}}]}"
        )

    def _end_part(self, index: int) -> bytes:
        """A call without arguments still has to parse. State of thoughts cannot come any more."""
        if self._thoughts.pop(index, None):
            self._thought = 0
        if index in self._calls and index not in self._said:
            return self._arguments(index, "{}")
        return b""

    def _state(self, index: int, details: ProviderDetails) -> bytes:
        if index in self._calls:
            call = {"index": self._calls[index], **write_call_state(details)}
            return self._delta(_encode({"tool_calls": [call]}))
        text = "".join(self._thoughts.pop(index, ()))
        self._thought = 0
        return self._delta(_encode({"reasoning_details": [write_state(index, text, details)]}))

    def _citation(self, citation: Citation) -> bytes:
        annotation = write_citation(citation, 0, 0, self._head)
        if annotation is None:
            return b""
        annotation["index"] = self._citations
        self._citations += 1
        return self._delta(_encode({"annotations": [annotation]}))

    def _end(self, stop: Stop) -> bytes:
        out = self._delta(b"{}", _encode(write_stop(stop, self._head)))
        if self._head.with_usage:
            usage = _encode(write_usage(self._usage or NOTHING))
            out += self._prefix + b',"choices":[],"usage":' + usage + b"}\n\n"
        return out + b"data: [DONE]\n\n"
