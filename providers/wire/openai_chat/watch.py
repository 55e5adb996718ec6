"""Watch a Chat Completions answer go by."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from providers.wire import sse
from providers.wire.envelope import read_text
from providers.wire.errors import BadAnswer, ErrorInfo
from providers.wire.json_text import OBJECT
from providers.wire.openai_chat.errors import NO_ERROR, read_error_member
from providers.wire.openai_chat.usage import GroqExtra, WireUsage, merge
from providers.wire.usage import Usage
from providers.wire.watch import Sight, if_readable, size_of

DONE = b"[DONE]"


class Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, msgspec.Raw] | None = None  # some servers send the object itself


class CallPiece(msgspec.Struct, gc=False):
    function: Function | None = None


class Delta(msgspec.Struct, gc=False):
    content: str | list[msgspec.Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None
    function_call: Function | None = None


class Ending(msgspec.Struct, gc=False):
    """A choice of which nothing but its end is looked at."""

    finish_reason: str | None = None


class Choice(Ending, gc=False):
    delta: Delta | None = None
    message: Delta | None = None


class Chunk(msgspec.Struct, gc=False):
    """A chunk or a whole answer: the members that a gateway looks at."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: WireUsage | None = None
    error: msgspec.Raw = NO_ERROR
    x_groq: GroqExtra | None = None


class PlainDelta(msgspec.Struct, gc=False):
    """A delta that has text and nothing else; any other does not decode."""

    content: str
    reasoning_content: None = None
    reasoning: None = None
    refusal: None = None
    tool_calls: None = None
    function_call: None = None


class PlainChoice(msgspec.Struct, gc=False):
    delta: PlainDelta
    finish_reason: None = None


class PlainChunk(msgspec.Struct, gc=False):
    """A chunk in the middle of a text. Its members id and model were seen before."""

    choices: tuple[PlainChoice]
    usage: None = None
    error: None = None
    x_groq: None = None


_chunk = msgspec.json.Decoder(Chunk)
_plain_chunks = msgspec.json.Decoder(list[PlainChunk])
_usage = msgspec.json.Decoder(WireUsage)
_groq = msgspec.json.Decoder(GroqExtra)
_endings = msgspec.json.Decoder(list[Ending])


class ChatWatcher:
    """See providers.wire.watch.Watcher."""

    __slots__ = (
        "error",
        "finish",
        "output_bytes",
        "response_id",
        "response_model",
        "usage",
    )

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.response_id = ""
        self.response_model = ""
        self.output_bytes = 0
        self.finish = ""
        self.error: ErrorInfo | None = None

    def event(self, block: bytes) -> Sight:
        name, data = sse.parse(block)
        if not data:
            return Sight.LIFECYCLE
        try:
            chunk = _chunk.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._unusual(data)
        if chunk.error is not NO_ERROR or name == b"error":
            error = read_error_member(200, chunk.error)
            if error is not None or name == b"error":
                self.error = error or read_error_member(200, msgspec.Raw(data))
                return Sight.ERROR
        return self._chunk(chunk)

    def run(self, blocks: bytes) -> bool:
        try:
            chunks = _plain_chunks.decode(sse.as_array(blocks, b"data: "))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        self.output_bytes += size_of("".join([chunk.choices[0].delta.content for chunk in chunks]))
        return True

    def _chunk(self, chunk: Chunk) -> Sight:
        self._note(chunk)
        if not chunk.choices:
            return Sight.LIFECYCLE if chunk.usage is None else Sight.USAGE
        seen = 0
        for choice in chunk.choices:
            if choice.delta is not None:
                seen += self._count(choice.delta)
            if choice.finish_reason:
                self.finish = self.finish or choice.finish_reason
        if seen:
            return Sight.CONTENT
        return Sight.TAIL if self.finish else Sight.LIFECYCLE

    def _unusual(self, data: bytes) -> Sight:
        """Not the shape that we look at: the end mark, a dialect we know nothing of, or no JSON."""
        if data.strip() == DONE:
            return Sight.TERMINAL
        try:
            members = OBJECT.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Sight.BROKEN
        self.error = read_error_member(200, members.get("error", NO_ERROR))
        if self.error is not None:
            return Sight.ERROR
        if self._note_members(members):
            return Sight.USAGE
        self.output_bytes += len(data)
        return Sight.CONTENT

    def _note_members(self, members: Mapping[str, msgspec.Raw]) -> bool:
        """What can be read of an answer in which something is of another type, member by member.

        Says whether it is usage and nothing else.
        """
        chunk = Chunk(
            id=read_text(members, "id"),
            model=read_text(members, "model"),
            usage=if_readable(_usage, members.get("usage")),
            x_groq=if_readable(_groq, members.get("x_groq")),
        )
        self._note(chunk)
        endings = if_readable(_endings, members.get("choices"))
        for ending in endings or ():
            self.finish = self.finish or ending.finish_reason or ""
        return endings == [] and chunk.usage is not None

    def _note(self, chunk: Chunk) -> None:
        if chunk.model:
            self.response_model = chunk.model
        if chunk.id:
            self.response_id = chunk.id
        usage = chunk.usage or (chunk.x_groq.usage if chunk.x_groq else None)
        if usage is not None:
            merged = merge(usage, self.usage)
            self.usage = None if merged.is_unknown else merged

    def _count(self, delta: Delta) -> int:
        """Bytes of content in a delta; a call that only begins counts as one."""
        content, text = delta.content, delta.reasoning_content or delta.reasoning or ""
        parts = content if isinstance(content, list) else ()
        text += (delta.refusal or "") + (content if isinstance(content, str) else "")
        size = size_of(text) + sum(map(len, parts))
        if delta.tool_calls:
            size += sum(1 + _size(piece.function) for piece in delta.tool_calls)
        if delta.function_call is not None:
            size += 1 + _size(delta.function_call)
        self.output_bytes += size
        return size

    def body(self, data: bytes) -> None:
        try:
            answer = _chunk.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._unusual_body(data)
        if answer.choices is None:
            self.error = read_error_member(200, answer.error)
            if self.error is None:
                raise BadAnswer("it is no chat completion")
            return None
        self._note(answer)
        for choice in answer.choices:
            if choice.message is not None:
                self._count(choice.message)
            self.finish = choice.finish_reason or self.finish
        return None

    def _unusual_body(self, data: bytes) -> None:
        try:
            members = OBJECT.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BadAnswer("it is not a JSON object") from None
        if "choices" not in members:
            raise BadAnswer("it is no chat completion")
        self._note_members(members)
        self.output_bytes += len(data)


def _size(function: Function | None) -> int:
    if function is None:
        return 0
    arguments = function.arguments
    if isinstance(arguments, dict):
        return size_of(function.name) + sum(len(name) + len(arguments[name]) for name in arguments)
    return size_of(function.name) + size_of(arguments)
