"""The hub: what a chat request and its answer mean, whatever format says it.

A part has a type here only if two formats can say it; all else is ProviderDetails or a Loss. JSON
that is not ours to read (arguments, schemas, results) stays text. None means "not said": nothing
is invented here, defaults belong to the writers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from providers.wire.usage import Usage

Weight = Literal["hint", "meaning"]


class Loss(msgspec.Struct, frozen=True):
    """What a translation could not carry. A lost hint leaves the answer's meaning as it was."""

    path: str
    reason: str
    weight: Weight


class ProviderDetails(msgspec.Struct, frozen=True):
    """Opaque state of one issuer (anthropic, google, …); returned to it alone, unchanged."""

    vendor: str
    kind: str
    data: str


class CacheMark(msgspec.Struct, frozen=True):
    """The prompt up to and with this part is worth caching. `ttl` is 5m, 1h or None."""

    ttl: str | None = None


class Citation(msgspec.Struct, frozen=True):
    """Where a text comes from. Only a web address crosses from format to format."""

    url: str | None = None
    title: str | None = None


class TextPart(msgspec.Struct):
    text: str
    cache: CacheMark | None = None
    citations: list[Citation] = []


class Base64(msgspec.Struct, frozen=True):
    data: str


class Url(msgspec.Struct, frozen=True):
    url: str


class InlineText(msgspec.Struct, frozen=True):
    text: str


class FileRef(msgspec.Struct, frozen=True):
    """A file that a vendor keeps; no other vendor can open it."""

    vendor: str
    id: str


MediaKind = Literal["image", "audio", "video", "document"]
MediaSource = Base64 | Url | InlineText | FileRef


class MediaPart(msgspec.Struct):
    kind: MediaKind
    mime: str
    source: MediaSource
    name: str | None = None
    detail: str | None = None
    cache: CacheMark | None = None


class ToolCallPart(msgspec.Struct):
    """`arguments` is JSON text, as the model wrote it; it need not be valid."""

    call_id: str
    name: str
    arguments: str
    cache: CacheMark | None = None
    details: ProviderDetails | None = None


class ToolResultPart(msgspec.Struct):
    call_id: str
    parts: list[TextPart | MediaPart] = []
    is_error: bool | None = None
    cache: CacheMark | None = None


class ReasoningPart(msgspec.Struct):
    """`text` may be empty where `details` hold what the model thought."""

    text: str
    redacted: bool = False
    details: ProviderDetails | None = None


class RefusalPart(msgspec.Struct):
    text: str


class OpaquePart(msgspec.Struct):
    """History of a tool that one vendor runs itself. No other vendor can be given it."""

    type: str
    vendor: str


Part = (
    TextPart | MediaPart | ToolCallPart | ToolResultPart | ReasoningPart | RefusalPart | OpaquePart
)


class Message(msgspec.Struct):
    """One turn. Tool results belong to a user turn; a `system` turn comes after the first one.

    `path` is where the client said it, for reports.
    """

    role: Literal["user", "assistant", "system"]
    parts: list[Part]
    path: str = "messages"


class Tool(msgspec.Struct):
    name: str
    description: str | None = None
    schema: msgspec.Raw | None = None
    strict: bool | None = None
    deferred: bool = False
    cache: CacheMark | None = None


class HostedTool(msgspec.Struct):
    """A tool that its vendor runs or defines; no other vendor has it."""

    type: str
    vendor: str


class ToolChoice(msgspec.Struct):
    """`names` with auto or required is the allowed subset; with named it is the one tool."""

    mode: Literal["auto", "required", "none", "named"]
    names: list[str] = []


class Sampling(msgspec.Struct):
    """How to draw the answer. Numbers keep the type they were written in."""

    max_tokens: int | None = None
    temperature: int | float | None = None
    top_p: int | float | None = None
    top_k: int | None = None
    stop: list[str] = []
    seed: int | None = None
    presence_penalty: int | float | None = None
    frequency_penalty: int | float | None = None
    logit_bias: msgspec.Raw | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None


class OutputFormat(msgspec.Struct):
    """JSON out. Without a schema, any JSON object will do."""

    schema: msgspec.Raw | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class ReasoningConfig(msgspec.Struct):
    """How much to think, as the client said it: a word, a count, or left to the model."""

    effort: str | None = None
    budget: int | None = None
    adaptive: bool = False
    show: Literal["none", "summary", "full"] | None = None


class ChatRequest(msgspec.Struct):
    model: str
    messages: list[Message]
    system: list[TextPart] = []
    tools: list[Tool] = []
    hosted_tools: list[HostedTool] = []
    tool_choice: ToolChoice | None = None
    parallel_calls: bool | None = None
    sampling: Sampling = msgspec.field(default_factory=Sampling)
    output: OutputFormat | None = None
    reasoning: ReasoningConfig | None = None
    stream: bool = False
    end_user: str | None = None
    service_tier: str | None = None
    cache_key: str | None = None


class StopReason(StrEnum):
    """Why an answer ended. An unknown word is OTHER, never quietly END."""

    END = "end"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    CONTEXT_FULL = "context_full"
    TOOL_USE = "tool_use"
    REFUSAL = "refusal"
    PAUSE = "pause"
    FAILED = "failed"
    OTHER = "other"


class Stop(msgspec.Struct, frozen=True):
    """`raw` is the provider's own word; `sequence` the stop sequence that was met, if said."""

    reason: StopReason
    raw: str
    sequence: str | None = None
    explanation: str | None = None


class ChatResponse(msgspec.Struct):
    """A whole answer: what `fold` makes of its events. `activities` are the provider's own tools'."""

    response_id: str
    model: str
    parts: list[Part]
    stop: Stop
    usage: Usage | None = None
    activities: list[str] = []
