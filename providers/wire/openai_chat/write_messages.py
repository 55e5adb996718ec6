"""Write the turns of the hub as the messages of a Chat Completions request."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from providers.wire.call_ids import CallIds
from providers.wire.codec import ModelFacts
from providers.wire.errors import Inexpressible
from providers.wire.json_text import Json
from providers.wire.model import (
    Base64,
    ChatRequest,
    FileRef,
    InlineText,
    Loss,
    MediaPart,
    Message,
    OpaquePart,
    Part,
    ProviderDetails,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Url,
)
from providers.wire.tool_names import ToolNames

LONGEST_CALL_ID = 40
AUDIO_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


class MessageWriter:
    """Writes one request's messages; what could not be said is in `losses`, each kind once."""

    def __init__(self, facts: ModelFacts, names: ToolNames) -> None:
        self.losses: list[Loss] = []
        self._facts = facts
        self._names = names
        self._ids = CallIds(LONGEST_CALL_ID)
        self._system_role = "developer" if facts.reasoning else "system"

    def write(self, request: ChatRequest) -> list[Json]:
        """Raises Inexpressible if no turn of the user is left."""
        messages: list[Json] = []
        system = "\n\n".join(part.text for part in self._marked(request.system, "system"))
        if system:
            messages.append({"role": self._system_role, "content": system})
        for spoke, turns in groupby(request.messages, lambda message: message.role == "assistant"):
            written = [one for turn in turns for one in self._turn(turn, turn.path)]
            messages += written if spoke else _results_first(written)
        if not any(message["role"] in ("user", "tool") for message in messages):
            raise Inexpressible("messages", "there is no turn of the user")
        if messages[-1]["role"] == "assistant":
            reason = "the model begins an answer of its own and does not go on with this one"
            self._lose(request.messages[-1].path, reason, "meaning")
        return messages

    def _turn(self, message: Message, path: str) -> Iterable[Json]:
        if message.role == "user":
            return self._user(message.parts, path)
        if message.role == "assistant":
            return self._assistant(message.parts, path)
        text = "\n\n".join(part.text for part in message.parts if isinstance(part, TextPart))
        return [{"role": self._system_role, "content": text}] if text else []

    def _user(self, parts: list[Part], path: str) -> list[Json]:
        """One message per result, and what else there is after them in one of the user."""
        messages: list[Json] = []
        content: list[Json] = []
        for part in self._marked(parts, path):
            if isinstance(part, ToolResultPart):
                messages.append(self._result(part, path))
                content += self._moved(part, path)
            else:
                content += self._content(part, path)
        if content:
            messages.append({"role": "user", "content": _plain(content)})
        return messages

    def _result(self, part: ToolResultPart, path: str) -> Json:
        if part.is_error:
            self._lose(
                f"{path}.is_error", "that a tool failed is said by its text alone", "meaning"
            )
        texts = [inner.text for inner in part.parts if isinstance(inner, TextPart)]
        content = "\n".join(texts)
        return {"role": "tool", "tool_call_id": self._ids.of(part.call_id), "content": content}

    def _moved(self, part: ToolResultPart, path: str) -> list[Json]:
        media = [inner for inner in part.parts if isinstance(inner, MediaPart)]
        if media:
            reason = "media of a tool's result is sent as the user's, after the results"
            self._lose(f"{path}.content", reason, "meaning")
        return [written for inner in media for written in self._content(inner, path)]

    def _content(self, part: Part, path: str) -> list[Json]:
        if isinstance(part, TextPart):
            return [{"type": "text", "text": part.text}] if part.text else []
        if isinstance(part, MediaPart):
            return [self._media(part, path)]
        if isinstance(part, OpaquePart):
            self._lose_opaque(path)
            return []
        raise Inexpressible(path, "a turn of the user cannot hold a part of this kind")

    def _media(self, part: MediaPart, path: str) -> Json:
        if isinstance(part.source, FileRef):
            return _file_by_reference(part.source, path)
        match part.kind:
            case "image":
                image = {"url": _address(part, path)}
                return {
                    "type": "image_url",
                    "image_url": image | ({"detail": part.detail} if part.detail else {}),
                }
            case "audio":
                return _audio(part, path)
            case "document":
                return self._document(part, path)
            case _:
                raise Inexpressible(path, f"Chat Completions takes no {part.kind}")

    def _document(self, part: MediaPart, path: str) -> Json:
        if isinstance(part.source, InlineText):
            self._lose(path, "a text document is sent as text under its title", "meaning")
            title = part.name or "Document"
            return {"type": "text", "text": f"{title}:\n\n{part.source.text}"}
        if not isinstance(part.source, Base64):
            raise Inexpressible(path, "Chat Completions takes no document by its address")
        file = {"filename": part.name or "document.pdf", "file_data": _address(part, path)}
        return {"type": "file", "file": file}

    def _assistant(self, parts: list[Part], path: str) -> list[Json]:
        """Text and calls share one message; the order between them cannot be said."""
        text: list[str] = []
        refusal: list[str] = []
        thoughts: list[str] = []
        calls: list[Json] = []
        state: ProviderDetails | None = None
        for part in self._marked(parts, path):
            match part:
                case TextPart():
                    text.append(part.text)
                case RefusalPart():
                    refusal.append(part.text)
                case ToolCallPart():
                    calls.append(self._call(part, part.details or state))
                    state = None
                case ReasoningPart():
                    state = self._google(part.details) or state
                    thoughts += self._thought(part, path)
                case OpaquePart():
                    self._lose_opaque(path)
                case _:
                    raise Inexpressible(path, "a turn of the assistant cannot hold such a part")
        return _assistant_message("".join(text), "".join(refusal), "".join(thoughts), calls)

    @staticmethod
    def _google(details: ProviderDetails | None) -> ProviderDetails | None:
        return details if details is not None and details.vendor == "google" else None

    def _thought(self, part: ReasoningPart, path: str) -> list[str]:
        """Thoughts of a model of this kind go back to the families that want them."""
        if self._google(part.details) is not None and not part.text:
            return []
        if part.details is None and self._facts.wants_reasoning:
            return [part.text]
        self._lose(f"{path}.reasoning", "earlier reasoning is not sent back", "hint")
        return []

    def _call(self, part: ToolCallPart, state: ProviderDetails | None) -> Json:
        function = {"name": self._names.of(part.name), "arguments": part.arguments or "{}"}
        call: Json = {
            "id": self._ids.call(part.call_id),
            "type": "function",
            "function": function,
        }
        if self._google(state) is not None and state is not None:
            call["extra_content"] = {"google": {"thought_signature": state.data}}
        return call

    def _marked(self, parts: Iterable[Any], path: str) -> Iterable[Any]:
        for part in parts:
            if getattr(part, "cache", None) is not None:
                self._lose("cache_control", "marks for a prompt cache are not translated", "hint")
            yield part

    def _lose_opaque(self, path: str) -> None:
        self._lose(path, "history of tools that another vendor runs is left out", "hint")

    def _lose(self, path: str, reason: str, weight: Any) -> None:
        if not any(loss.reason == reason for loss in self.losses):
            self.losses.append(Loss(path, reason, weight))


def _results_first(messages: list[Json]) -> list[Json]:
    """A stable order: results directly follow the calls, then all else."""
    return sorted(messages, key=lambda message: message["role"] != "tool")


def _assistant_message(text: str, refusal: str, thoughts: str, calls: list[Json]) -> list[Json]:
    if not (text or refusal or calls):
        return []
    message: Json = {"role": "assistant", "content": text or None}
    if thoughts:
        message["reasoning_content"] = thoughts
    if refusal:
        message["refusal"] = refusal
    if calls:
        message["tool_calls"] = calls
    return [message]


def _plain(content: list[Json]) -> str | list[Json]:
    """A single text is written as a string, which every compatible server takes."""
    if len(content) == 1 and content[0]["type"] == "text":
        text: str = content[0]["text"]
        return text
    return content


def _address(part: MediaPart, path: str) -> str:
    match part.source:
        case Base64(data):
            return f"data:{part.mime};base64,{data}"
        case Url(url):
            return url
        case _:
            raise Inexpressible(path, f"this {part.kind} cannot be sent by value or address")


def _audio(part: MediaPart, path: str) -> Json:
    form = AUDIO_FORMATS.get(part.mime)
    if form is None or not isinstance(part.source, Base64):
        raise Inexpressible(path, "Chat Completions takes sound as WAV or MP3, by value")
    return {"type": "input_audio", "input_audio": {"data": part.source.data, "format": form}}


def _file_by_reference(source: FileRef, path: str) -> Json:
    if source.vendor != "openai":
        raise Inexpressible(path, f"the file {source.id} is kept by another vendor")
    return {"type": "file", "file": {"file_id": source.id}}
