"""Write the turns of the hub as the messages of a Messages request.

Turns of the same role in a row are one message here; a tool's results come first in it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from providers.wire.call_ids import CallIds
from providers.wire.codec import ModelFacts
from providers.wire.errors import Inexpressible
from providers.wire.json_text import Json, as_object
from providers.wire.model import (
    Base64,
    CacheMark,
    FileRef,
    InlineText,
    Loss,
    MediaPart,
    MediaSource,
    Message,
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Url,
    Weight,
)
from providers.wire.tool_names import ToolNames

LONGEST_CALL_ID = 64
TEXT_TYPES = ("text/plain", "")


class MessageWriter:
    """Writes one request's turns; what could not be said is in `losses`, each kind once."""

    def __init__(self, facts: ModelFacts, names: ToolNames) -> None:
        self.losses: list[Loss] = []
        self._facts = facts
        self._names = names
        self._ids = CallIds(LONGEST_CALL_ID)

    def write(self, messages: Iterable[Message]) -> list[Json]:
        """Raises Inexpressible if no turn of the user is left."""
        turns: list[tuple[str, list[Json]]] = []
        for message in messages:
            role, blocks = self._turn(message, message.path)
            if not blocks:
                continue
            if turns and turns[-1][0] == role:
                turns[-1][1].extend(blocks)
            else:
                turns.append((role, blocks))
        if not any(role == "user" for role, _ in turns):
            raise Inexpressible("messages", "there is no turn of the user")
        return [{"role": role, "content": _results_first(blocks)} for role, blocks in turns]

    def system(self, parts: list[TextPart]) -> str | list[Json] | None:
        """A single unmarked text is written as a string."""
        blocks = [_text(part) for part in parts if part.text.strip()]
        if len(blocks) == 1 and len(blocks[0]) == 2:
            text: str = blocks[0]["text"]
            return text
        return blocks or None

    def _turn(self, message: Message, path: str) -> tuple[str, list[Json]]:
        if message.role == "system":
            return self._system_turn(message)
        blocks: list[Json] = []
        for part in message.parts:
            blocks += self._part(part, path)
        return message.role, blocks

    def _system_turn(self, message: Message) -> tuple[str, list[Json]]:
        """Kept in its place, where hoisting it to the top would change the order of what was said."""
        texts = [part for part in message.parts if isinstance(part, TextPart) and part.text.strip()]
        if self._facts.system_turns:
            return "system", [_text(part) for part in texts]
        if texts:
            reason = "a system text in mid-conversation is sent as a marked text of the user"
            self._lose(message.path, reason, "meaning")
        marked = [TextPart(f"<system>\n{part.text}\n</system>", part.cache) for part in texts]
        return "user", [_text(part) for part in marked]

    def _part(self, part: Part, path: str) -> list[Json]:
        match part:
            case TextPart():
                return [_text(part)] if part.text.strip() else []
            case RefusalPart(text):
                return [{"type": "text", "text": text}] if text.strip() else []
            case MediaPart():
                return [self._media(part, path)]
            case ToolCallPart():
                return [self._call(part, path)]
            case ToolResultPart():
                return [self._result(part, path)]
            case ReasoningPart():
                return self._thought(part, path)
            case OpaquePart():
                self._lose(path, "history of tools that another vendor runs is left out", "hint")
                return []

    def _call(self, part: ToolCallPart, path: str) -> Json:
        if part.details is not None:
            self._lose(path, "another vendor's state of a call is not sent", "hint")
        block: Json = {
            "type": "tool_use",
            "id": self._ids.call(part.call_id),
            "name": self._names.of(part.name),
            "input": self._input(part.arguments, path),
        }
        return _with_mark(block, part.cache)

    def _input(self, arguments: str, path: str) -> msgspec.Raw:
        """The client's own JSON text, if it is an object."""
        written, wrapped = as_object(arguments)
        if wrapped:
            self._lose(path, "arguments that are no JSON object are sent wrapped in one", "meaning")
        return written

    def _result(self, part: ToolResultPart, path: str) -> Json:
        block: Json = {"type": "tool_result", "tool_use_id": self._ids.of(part.call_id)}
        content = [
            inner
            for item in part.parts
            for inner in (
                [_text(item)]
                if isinstance(item, TextPart) and item.text.strip()
                else [self._media(item, path)]
                if isinstance(item, MediaPart)
                else []
            )
        ]
        if len(content) == 1 and content[0]["type"] == "text" and len(content[0]) == 2:
            block["content"] = content[0]["text"]
        elif content:
            block["content"] = content
        if part.is_error:
            block["is_error"] = True
        return _with_mark(block, part.cache)

    def _thought(self, part: ReasoningPart, path: str) -> list[Json]:
        """Only what Anthropic signed goes back to it, unchanged and in its place."""
        state = part.details
        if state is None or state.vendor != "anthropic":
            self._lose(path, "reasoning of another vendor is not sent back", "hint")
            return []
        if state.kind == "redacted":
            return [{"type": "redacted_thinking", "data": state.data}]
        return [{"type": "thinking", "thinking": part.text, "signature": state.data}]

    def _media(self, part: MediaPart, path: str) -> Json:
        if part.kind not in ("image", "document"):
            raise Inexpressible(path, f"Messages takes no {part.kind}")
        block: Json = {"type": part.kind, "source": _source(part, path)}
        if part.kind == "document" and part.name:
            block["title"] = part.name
        if part.detail not in (None, "auto"):
            self._lose(path, "how closely an image is looked at cannot be said", "hint")
        return _with_mark(block, part.cache)

    def _lose(self, path: str, reason: str, weight: Weight) -> None:
        if not any(loss.reason == reason for loss in self.losses):
            self.losses.append(Loss(path, reason, weight))


def _results_first(blocks: list[Json]) -> list[Json]:
    """A stable order: results of tools, then all else."""
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def _text(part: TextPart) -> Json:
    return _with_mark({"type": "text", "text": part.text}, part.cache)


def _with_mark(block: Json, mark: CacheMark | None) -> Json:
    if mark is not None:
        block["cache_control"] = write_cache_mark(mark)
    return block


def write_cache_mark(mark: CacheMark) -> Json:
    return {"type": "ephemeral"} | ({"ttl": mark.ttl} if mark.ttl else {})


def _source(part: MediaPart, path: str) -> Json:
    source: MediaSource = part.source
    match source:
        case Base64(data) if part.mime in TEXT_TYPES and part.kind == "document":
            raise Inexpressible(path, "a text document is taken as text, not as base64")
        case Base64(data):
            return {"type": "base64", "media_type": part.mime, "data": data}
        case Url(url):
            return {"type": "url", "url": url}
        case InlineText(text):
            return {"type": "text", "media_type": "text/plain", "data": text}
        case FileRef(vendor, identifier):
            if vendor != "anthropic":
                raise Inexpressible(path, f"the file {identifier} is kept by another vendor")
            return {"type": "file", "file_id": identifier}
