"""What a wire format can do: the Codec protocol, and the formats by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from providers.wire.errors import ErrorInfo
from providers.wire.events import Event
from providers.wire.model import ChatRequest, ChatResponse, Loss, Weight
from providers.wire.prompt import PromptSize
from providers.wire.sequencer import Sequencer
from providers.wire.watch import TextWatcher

MOST_LOSSES = 32
LONGEST_WORD = 64


class WireFormat(StrEnum):
    """A language on the wire."""

    OPENAI_CHAT = "openai.chat"
    ANTHROPIC_MESSAGES = "anthropic.messages"


class ListedModel(NamedTuple):
    """A model that a client may ask for, and the Provider that it leads to."""

    name: str
    provider: str


class ModelFacts(msgspec.Struct, frozen=True):
    """What a writer must know of a family of models; the defaults are for one that is not known.

    `reasoning`: takes an effort, a `developer` turn and `max_completion_tokens`. `wants_reasoning`:
    wants its earlier reasoning back. `thinking`: "budget" or "adaptive". `sampling`: takes
    temperature and the like. `schemas`: can be held to a JSON schema. `system_turns`: takes system
    texts in mid-conversation. `stop`: takes stop sequences. `one_of_temperature_top_p`: takes either,
    not both. `efforts`: the words it knows for how much to think, weakest first.
    """

    max_output: int | None = None
    reasoning: bool = False
    wants_reasoning: bool = False
    thinking: str = ""
    sampling: bool = True
    schemas: bool = True
    system_turns: bool = False
    stop: bool = True
    one_of_temperature_top_p: bool = False
    efforts: tuple[str, ...] = ("low", "medium", "high")


class Edits(NamedTuple):
    """Members to set in a same-format request, as JSON text, and what these edits are called.

    `drops_usage`: the usage event was asked for by us alone, so it is kept from the client.
    """

    members: dict[str, bytes]
    names: list[str]
    drops_usage: bool = False


class Written(NamedTuple):
    """A request written for a provider. `names` gives changed tool names back."""

    body: bytes
    losses: list[Loss]
    edits: list[str]
    names: Mapping[str, str]


class Folded(NamedTuple):
    """The message that a stream means, as JSON: what the answer would have been without a stream.

    `partial`: the stream has an error, or ended before its last event.
    """

    message: bytes
    partial: bool


class AnswerHead(msgspec.Struct):
    """What an answer says of itself that its provider does not: our id, and when it was made.

    `model` stands in where the provider names none; `with_usage` is whether a stream ends with
    usage. What the client's format cannot say is added to `losses`, up to a number: it may be as
    much as a provider likes, and under names of its making.
    """

    identifier: str
    created: int
    model: str
    with_usage: bool
    losses: list[Loss]
    _lost: set[Loss] = msgspec.field(default_factory=set)

    def lose(self, path: str, reason: str, weight: Weight = "meaning") -> None:
        """Something of the answer that the client's format cannot say, reported once."""
        loss = Loss(f"answer.{path}", reason, weight)
        if loss not in self._lost and len(self._lost) < MOST_LOSSES:
            self._lost.add(loss)
            self.losses.append(loss)

    def lose_stop(self, raw: str, told: str) -> None:
        word = f"the stop reason {raw[:LONGEST_WORD]}" if raw else "an end without a stop reason"
        self.lose("stop_reason", f"{word} is told as {told}")

    def lose_activity(self, kind: str) -> None:
        tool = kind[:LONGEST_WORD]
        self.lose("content", f"what the tool {tool} of the provider did is not shown")


class Decoder(Protocol):
    """Reads a provider's stream, block by block, and tells its Sequencer what it read."""

    def read(self, block: bytes) -> None:
        """Read a server-sent event. Raises BadAnswer."""


class Encoder(Protocol):
    """Writes events as a client's stream; any legal row of events will do."""

    def encode(self, events: list[Event]) -> bytes: ...

    def fail(self, info: ErrorInfo) -> bytes:
        """End a stream that broke, from whatever state it is in."""


class Codec(Protocol):
    """Reads and writes one WireFormat. Pure and stateless; what has state is made by it."""

    format: WireFormat

    def watcher(self) -> TextWatcher: ...

    def edits(
        self, members: Mapping[str, msgspec.Raw], stream: bool, facts: ModelFacts, cap: int | None
    ) -> Edits:
        """What a gateway changes in a request of this format: usage asked for, output capped."""

    def output_cap(self, members: Mapping[str, msgspec.Raw]) -> int | None:
        """The most output tokens that the request allows each of its choices; None if unsaid."""

    def end_user(self, members: Mapping[str, msgspec.Raw]) -> str:
        """Who the client says is behind the request; "" if it does not say, or not in text."""

    def choices(self, members: Mapping[str, msgspec.Raw]) -> int:
        """How many answers the request asks for at once."""

    def measure(self, body: bytes, members: Mapping[str, msgspec.Raw]) -> PromptSize:
        """How large the prompt of a request is. What cannot be read counts as text."""

    def write_models(self, models: Sequence[ListedModel]) -> bytes:
        """The list of models. Everything is on one page."""

    def write_model(self, model: ListedModel) -> bytes:
        """One model of the list."""

    def error_status(self, info: ErrorInfo) -> int:
        """The HTTP status that this format gives the error."""

    def write_error(self, info: ErrorInfo, identifier: str) -> bytes:
        """The JSON body of an error answer."""

    def error_event(self, info: ErrorInfo, identifier: str) -> bytes:
        """The bytes that end a stream which broke."""

    def read_error(self, status: int, body: bytes) -> ErrorInfo:
        """A provider's error body, of whatever shape."""

    def fold(self, stream: bytes) -> Folded:
        """What a client of this format was told by a stream, whole or broken off. Reads any bytes."""

    def wants_usage(self, members: Mapping[str, msgspec.Raw]) -> bool:
        """Whether the client wants a stream to end with usage numbers."""

    def read_request(self, members: Mapping[str, msgspec.Raw]) -> tuple[ChatRequest, list[Loss]]:
        """A client's request. Raises Unreadable, or Inexpressible for what only one vendor can do."""

    def write_request(self, request: ChatRequest, facts: ModelFacts, cap: int | None) -> Written:
        """The request for a provider, its output held to `cap`. Raises Inexpressible."""

    def read_response(self, body: bytes, sequencer: Sequencer) -> None:
        """Read a provider's whole answer. Raises BadAnswer."""

    def write_response(self, response: ChatResponse, head: AnswerHead) -> bytes:
        """A whole answer for a client."""

    def decoder(self, sequencer: Sequencer) -> Decoder: ...

    def encoder(self, head: AnswerHead) -> Encoder: ...
