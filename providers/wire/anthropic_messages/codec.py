"""The Codec of Messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from providers.wire.anthropic_messages import errors
from providers.wire.anthropic_messages.decoder import MessagesDecoder
from providers.wire.anthropic_messages.encoder import MessagesEncoder
from providers.wire.anthropic_messages.fold_stream import fold_stream
from providers.wire.anthropic_messages.foreign_thinking import foreign_thinking_out
from providers.wire.anthropic_messages.read_request import read_request
from providers.wire.anthropic_messages.watch import MessagesWatcher
from providers.wire.anthropic_messages.write_models import write_model, write_models
from providers.wire.anthropic_messages.write_request import write_request
from providers.wire.anthropic_messages.write_response import write_response
from providers.wire.codec import (
    AnswerHead,
    Edits,
    Folded,
    ListedModel,
    ModelFacts,
    WireFormat,
    Written,
)
from providers.wire.envelope import read_count, read_text
from providers.wire.errors import ErrorInfo
from providers.wire.json_text import OBJECT
from providers.wire.model import ChatRequest, ChatResponse, Loss
from providers.wire.prompt import PromptSize, measure
from providers.wire.sequencer import Sequencer
from providers.wire.watch import TextWatcher


class MessagesCodec:
    """See providers.wire.codec.Codec."""

    format = WireFormat.ANTHROPIC_MESSAGES

    def watcher(self) -> TextWatcher:
        return MessagesWatcher()

    def edits(
        self, members: Mapping[str, msgspec.Raw], stream: bool, facts: ModelFacts, cap: int | None
    ) -> Edits:
        """Messages always reports usage; a cap is set, and thinking of other vendors taken out."""
        changed, names, _ = foreign_thinking_out(members, facts)
        if cap is None:
            return Edits(changed, names)
        return Edits({**changed, "max_tokens": b"%d" % cap}, ["max_tokens", *names])

    def output_cap(self, members: Mapping[str, msgspec.Raw]) -> int | None:
        return read_count(members, "max_tokens")

    def end_user(self, members: Mapping[str, msgspec.Raw]) -> str:
        """`metadata.user_id`."""
        if "metadata" not in members:
            return ""
        try:
            return read_text(OBJECT.decode(members["metadata"]), "user_id")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""

    def choices(self, members: Mapping[str, msgspec.Raw]) -> int:
        return 1

    def measure(self, body: bytes, members: Mapping[str, msgspec.Raw]) -> PromptSize:
        return measure(body, members)

    def write_models(self, models: Sequence[ListedModel]) -> bytes:
        return write_models(models)

    def write_model(self, model: ListedModel) -> bytes:
        return write_model(model)

    def error_status(self, info: ErrorInfo) -> int:
        return errors.error_status(info)

    def write_error(self, info: ErrorInfo, identifier: str) -> bytes:
        return errors.write_error(info, identifier)

    def error_event(self, info: ErrorInfo, identifier: str) -> bytes:
        return errors.error_event(info, identifier)

    def read_error(self, status: int, body: bytes) -> ErrorInfo:
        return errors.read_error(status, body)

    def fold(self, stream: bytes) -> Folded:
        return fold_stream(stream)

    def wants_usage(self, members: Mapping[str, msgspec.Raw]) -> bool:
        """Usage is part of every stream."""
        return True

    def read_request(self, members: Mapping[str, msgspec.Raw]) -> tuple[ChatRequest, list[Loss]]:
        return read_request(members)

    def write_request(self, request: ChatRequest, facts: ModelFacts, cap: int | None) -> Written:
        return write_request(request, facts, cap)

    def read_response(self, body: bytes, sequencer: Sequencer) -> None:
        MessagesDecoder(sequencer).read_whole(body)

    def write_response(self, response: ChatResponse, head: AnswerHead) -> bytes:
        return write_response(response, head)

    def decoder(self, sequencer: Sequencer) -> MessagesDecoder:
        return MessagesDecoder(sequencer)

    def encoder(self, head: AnswerHead) -> MessagesEncoder:
        return MessagesEncoder(head)
