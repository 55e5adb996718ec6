"""The Codec of Chat Completions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

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
from providers.wire.errors import ErrorInfo, Unreadable
from providers.wire.json_text import OBJECT
from providers.wire.model import ChatRequest, ChatResponse, Loss
from providers.wire.openai_chat import errors
from providers.wire.openai_chat.decoder import ChatDecoder
from providers.wire.openai_chat.encoder import ChatEncoder
from providers.wire.openai_chat.fold_stream import fold_stream
from providers.wire.openai_chat.read_request import read_request
from providers.wire.openai_chat.watch import ChatWatcher
from providers.wire.openai_chat.write_models import write_model, write_models
from providers.wire.openai_chat.write_request import write_request
from providers.wire.openai_chat.write_response import write_response
from providers.wire.prompt import PromptSize, measure
from providers.wire.sequencer import Sequencer
from providers.wire.watch import TextWatcher

CAPS = ("max_completion_tokens", "max_tokens")


class ChatCodec:
    """See providers.wire.codec.Codec."""

    format = WireFormat.OPENAI_CHAT

    def watcher(self) -> TextWatcher:
        return ChatWatcher()

    def edits(
        self, members: Mapping[str, msgspec.Raw], stream: bool, facts: ModelFacts, cap: int | None
    ) -> Edits:
        changed: dict[str, bytes] = {}
        names: list[str] = []
        drops_usage = stream and not _asks_for_usage(members)
        if drops_usage:
            changed["stream_options"] = _with_usage(members)
            names.append("stream_options.include_usage")
        if cap is not None:
            own = "max_completion_tokens" if facts.reasoning else "max_tokens"
            for name in [name for name in CAPS if _says(members, name)] or [own]:
                changed[name] = b"%d" % cap
                names.append(name)
        return Edits(changed, names, drops_usage)

    def output_cap(self, members: Mapping[str, msgspec.Raw]) -> int | None:
        caps = [cap for name in CAPS if (cap := read_count(members, name)) is not None]
        return max(caps) if caps else None

    def end_user(self, members: Mapping[str, msgspec.Raw]) -> str:
        """`safety_identifier`, or `user`, which it replaces."""
        return read_text(members, "safety_identifier") or read_text(members, "user")

    def choices(self, members: Mapping[str, msgspec.Raw]) -> int:
        return read_count(members, "n") or 1

    def measure(self, body: bytes, members: Mapping[str, msgspec.Raw]) -> PromptSize:
        return measure(body, members)

    def write_models(self, models: Sequence[ListedModel]) -> bytes:
        return write_models(models)

    def write_model(self, model: ListedModel) -> bytes:
        return write_model(model)

    def error_status(self, info: ErrorInfo) -> int:
        return info.status

    def write_error(self, info: ErrorInfo, identifier: str) -> bytes:
        return errors.write_error(info)

    def error_event(self, info: ErrorInfo, identifier: str) -> bytes:
        return errors.error_event(info, identifier)

    def read_error(self, status: int, body: bytes) -> ErrorInfo:
        return errors.read_error(status, body)

    def fold(self, stream: bytes) -> Folded:
        return fold_stream(stream)

    def wants_usage(self, members: Mapping[str, msgspec.Raw]) -> bool:
        return _asks_for_usage(members)

    def read_request(self, members: Mapping[str, msgspec.Raw]) -> tuple[ChatRequest, list[Loss]]:
        return read_request(members)

    def write_request(self, request: ChatRequest, facts: ModelFacts, cap: int | None) -> Written:
        return write_request(request, facts, cap)

    def read_response(self, body: bytes, sequencer: Sequencer) -> None:
        ChatDecoder(sequencer).read_whole(body)

    def write_response(self, response: ChatResponse, head: AnswerHead) -> bytes:
        return write_response(response, head)

    def decoder(self, sequencer: Sequencer) -> ChatDecoder:
        return ChatDecoder(sequencer)

    def encoder(self, head: AnswerHead) -> ChatEncoder:
        return ChatEncoder(head)


def _says(members: Mapping[str, msgspec.Raw], name: str) -> bool:
    """Whether a member is there; null is the same as absent."""
    raw = members.get(name)
    return raw is not None and bytes(raw) != b"null"


def _asks_for_usage(members: Mapping[str, msgspec.Raw]) -> bool:
    asked = _stream_options(members).get("include_usage", msgspec.Raw(b"false"))
    return bytes(asked) == b"true"


def _with_usage(members: Mapping[str, msgspec.Raw]) -> bytes:
    options = {**_stream_options(members), "include_usage": msgspec.Raw(b"true")}
    return msgspec.json.encode(options)


def _stream_options(members: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    raw = members.get("stream_options")
    if raw is None or bytes(raw) == b"null":
        return {}
    try:
        return OBJECT.decode(raw)
    except msgspec.DecodeError:
        raise Unreadable("stream_options", "`stream_options` must be an object") from None
