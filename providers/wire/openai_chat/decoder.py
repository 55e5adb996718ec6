"""Read Chat Completions answers, whole or in chunks, in the dialects that servers have made of it.

Empty pieces are no events. What is thought comes as `reasoning_content`, `reasoning`,
`reasoning_details` or a part of the content: the first that is there is read, not the sum. Calls
are told apart by `index`; servers that leave it out, or give all calls the same one, by their ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from providers.wire import sse
from providers.wire.errors import BadAnswer, ErrorInfo
from providers.wire.failure_text import kind_of
from providers.wire.halves import Halves
from providers.wire.lenient import read_leniently
from providers.wire.model import Citation, ProviderDetails, Stop, StopReason
from providers.wire.openai_chat.errors import NO_ERROR, read_error_member
from providers.wire.openai_chat.usage import GroqExtra, WireUsage, merge
from providers.wire.openai_chat.watch import DONE
from providers.wire.sequencer import Sequencer

PIECES = frozenset({"text", "thinking", "refusal"})
STOPS = {
    "stop": StopReason.END,
    "length": StopReason.LENGTH,
    "tool_calls": StopReason.TOOL_USE,
    "function_call": StopReason.TOOL_USE,
    "content_filter": StopReason.REFUSAL,
    "model_length": StopReason.CONTEXT_FULL,
    "error": StopReason.FAILED,
}

UNFINISHED = ErrorInfo(
    kind_of(502), 502, "The provider could not finish its answer.", "upstream_error"
)


class Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class Call(msgspec.Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: Function | None = None
    extra_content: dict[str, Any] | None = None


class Piece(msgspec.Struct, gc=False):
    """A part of a content that is a list."""

    type: str = "text"
    text: str | None = None
    thinking: str | list[Piece] | None = None
    refusal: str | None = None


class Thought(msgspec.Struct, gc=False):
    """An entry of OpenRouter's `reasoning_details`."""

    text: str | None = None
    summary: str | None = None
    signature: str | None = None
    data: str | None = None


class UrlCitation(msgspec.Struct, gc=False):
    url: str | None = None
    title: str | None = None


class Annotation(msgspec.Struct, gc=False):
    type: str = ""
    url_citation: UrlCitation | None = None


class Delta(msgspec.Struct, gc=False):
    """A delta, or the message of a whole answer."""

    content: str | list[Piece] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Thought] | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None
    annotations: list[Annotation] | None = None
    images: list[msgspec.Raw] | None = None


class Choice(msgspec.Struct, gc=False):
    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct, gc=False):
    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: WireUsage | None = None
    error: msgspec.Raw = NO_ERROR
    x_groq: GroqExtra | None = None
    citations: list[msgspec.Raw] | None = None


_chunk = msgspec.json.Decoder(Chunk)


class ChatDecoder:
    """See providers.wire.codec.Decoder."""

    __slots__ = ("_halves", "_ids", "_keys", "_last", "_sequencer", "_unnamed")

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer
        self._halves = Halves(sequencer)
        self._ids: list[str | None] = []
        self._keys: dict[int, int] = {}
        self._last: int | None = None
        self._unnamed: set[int] = set()

    def read(self, block: bytes) -> None:
        name, data = sse.parse(block)
        if not data:
            return self._sequencer.heartbeat()
        if data.startswith(DONE):
            return self._sequencer.end()
        try:
            chunk = self._decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._sequencer.broken()
        error = None
        if chunk.choices and self._choices(chunk, chunk.choices):
            error = UNFINISHED
        if chunk.usage is not None or chunk.x_groq is not None:
            self._count(chunk)
        if name == b"error" or chunk.error is not NO_ERROR:
            error = _reported(chunk, name == b"error", data) or error
        if error is not None:
            self._sequencer.fail(error)
        return None

    def _decode(self, data: bytes) -> Chunk:
        """Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError."""
        try:
            return _chunk.decode(data)
        except msgspec.ValidationError:
            chunk, unread = read_leniently(Chunk, data)
            self._sequencer.dropped += any(path.startswith("choices") for path in unread)
            return chunk
        except msgspec.DecodeError:
            mended = self._halves.mend(data)
            if mended is None:
                raise
            return self._decode(mended)

    def read_whole(self, body: bytes) -> None:
        """A whole answer. Raises BadAnswer."""
        try:
            answer = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BadAnswer("it is no chat completion") from None
        error = read_error_member(200, answer.error)
        if error is not None:
            self._sequencer.fail(error)
        elif not answer.choices:
            raise BadAnswer("it is no chat completion")
        else:
            self._count(answer)
            if self._choices(answer, answer.choices):
                self._sequencer.fail(UNFINISHED)
            self._sequencer.end()

    def _choices(self, chunk: Chunk, choices: list[Choice]) -> bool:
        """Only the first choice has a place in other formats, and no more than it is asked for.

        Says whether the provider could not finish it: an `error` beside the choices may say why.
        """
        sequencer = self._sequencer
        failed = False
        sequencer.start(chunk.id, chunk.model)
        if chunk.citations:
            sequencer.dropped += 1
        for choice in choices:
            if choice.index:
                sequencer.dropped += 1
                continue
            delta = choice.delta or choice.message
            if delta is not None:
                self._delta(delta)
            if choice.finish_reason:
                reason = STOPS.get(choice.finish_reason, StopReason.OTHER)
                if reason is StopReason.FAILED:
                    failed = True
                else:
                    sequencer.stop(Stop(reason, choice.finish_reason))
        return failed

    def _delta(self, delta: Delta) -> None:
        sequencer = self._sequencer
        self._reasoning(delta)
        content = delta.content
        if content:
            if isinstance(content, str):
                sequencer.text(content)
            else:
                self._pieces(content)
        if delta.refusal:
            sequencer.refusal(delta.refusal)
        if delta.annotations:
            self._citations(delta.annotations)
        if delta.tool_calls:
            for call in delta.tool_calls:
                self._call(call)
        if delta.images:
            sequencer.dropped += len(delta.images)

    def _reasoning(self, delta: Delta) -> None:
        sequencer, details = self._sequencer, delta.reasoning_details or ()
        thought = delta.reasoning_content or delta.reasoning or _thoughts(details)
        if thought:
            sequencer.reasoning(thought)
        if any(detail.signature or detail.data for detail in details):
            sequencer.stateless = True

    def _pieces(self, pieces: list[Piece]) -> None:
        """Mistral's content may be a list, with thinking among the text."""
        for piece in pieces:
            if isinstance(piece.thinking, str):
                self._sequencer.reasoning(piece.thinking)
            elif piece.thinking:
                self._sequencer.reasoning("".join(inner.text or "" for inner in piece.thinking))
            elif piece.refusal:
                self._sequencer.refusal(piece.refusal)
            elif piece.text:
                self._sequencer.text(piece.text)
            elif piece.type not in PIECES:
                self._sequencer.dropped += 1

    def _citations(self, annotations: list[Annotation]) -> None:
        for annotation in annotations:
            found = annotation.url_citation
            if found is not None:
                self._sequencer.citation(Citation(url=found.url, title=found.title))

    def _call(self, call: Call) -> None:
        function = call.function or Function()
        key = self._begin_or_go_on(call, function.name or "")
        arguments = function.arguments
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        if arguments:
            self._sequencer.arguments(key, arguments)

    def _begin_or_go_on(self, call: Call, name: str) -> int:
        """The key of the call that a piece belongs to."""
        call_id = None if call.id == "null" else call.id
        details = _thought_signature(call.extra_content)
        key = self._key_of(call.index, call_id, name)
        if key is None:
            key = len(self._ids)
            self._ids.append(call_id)
            self._sequencer.call(key, call_id, name, details)
            if not name:
                self._unnamed.add(key)
        elif details is not None or key in self._unnamed:
            self._ids[key] = self._ids[key] or call_id
            self._sequencer.go_on_with_call(key, call_id, name, details)
            if name:
                self._unnamed.discard(key)
        if call.index is not None:
            self._keys[call.index] = key
        self._last = key
        return key

    def _key_of(self, index: int | None, call_id: str | None, name: str) -> int | None:
        """The call that a piece goes on with; None if it begins a new one.

        Some servers send whole calls, all under index 0; some give no index at all.
        """
        key = self._last if index is None else self._keys.get(index)
        if key is None:
            return None
        known = self._ids[key]
        if index is not None:
            other = bool(name and call_id and known and call_id != known)
        elif key in self._unnamed:
            other = bool(call_id and known and call_id != known)
        else:
            other = call_id != known if call_id else bool(name)
        return None if other else key

    def _count(self, chunk: Chunk) -> None:
        usage = chunk.usage or (chunk.x_groq.usage if chunk.x_groq else None)
        if usage is not None:
            merged = merge(usage, self._sequencer.usage)
            self._sequencer.count(None if merged.is_unknown else merged)


def _reported(chunk: Chunk, is_error: bool, data: bytes) -> ErrorInfo | None:
    """The error of a chunk; of an event that is named one, the whole of it may be the error."""
    error = read_error_member(200, chunk.error)
    return read_error_member(200, msgspec.Raw(data)) if error is None and is_error else error


def _thoughts(details: Iterable[Thought]) -> str:
    return "".join(thought.text or thought.summary or "" for thought in details)


def _thought_signature(extra: dict[str, Any] | None) -> ProviderDetails | None:
    """Google's servers want this back with the call."""
    google = (extra or {}).get("google")
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return ProviderDetails("google", "call", signature) if isinstance(signature, str) else None
