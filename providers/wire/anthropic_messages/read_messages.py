"""Read the messages of a Messages request into the hub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from providers.wire.carriers import unpack
from providers.wire.errors import Inexpressible, Unreadable
from providers.wire.members import Members, is_text, objects, read_text
from providers.wire.model import (
    Base64,
    CacheMark,
    FileRef,
    InlineText,
    Loss,
    MediaKind,
    MediaPart,
    MediaSource,
    Message,
    OpaquePart,
    Part,
    ProviderDetails,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Url,
)

VENDOR = "anthropic"
OPAQUE_KINDS = ("server_tool_use", "mcp_tool_use", "mcp_tool_result")
OPAQUE_ENDING = "_tool_result"
TOOL_REFERENCES = ("tool_reference", "tool_addition")
"""They name a tool of the request that is to be loaded now; here all tools are loaded from the start."""


def read_system(body: Members) -> list[TextPart]:
    raw = body.raw("system")
    if raw is None:
        return []
    return _texts(_content(raw, "system", body), "system")


def read_messages(messages: Iterable[Members]) -> list[Message]:
    turns = []
    for message in messages:
        role = message.needed_text("role")
        raw = message.raw("content")
        path = message.at("content")
        parts = [] if raw is None else list(_content(raw, path, message))
        match role:
            case "user" | "assistant":
                turns.append(Message(role, parts, message.path))
            case "system":
                turns.append(Message("system", [*_texts(parts, path)], message.path))
            case _:
                raise Unreadable(message.at("role"), f"the role `{role}` is not known")
        message.close()
    return turns


def read_cache_mark(part: Members) -> CacheMark | None:
    mark = part.member("cache_control")
    return None if mark is None else CacheMark(mark.text("ttl"))


def _texts(parts: Iterable[Part], path: str) -> list[TextPart]:
    found = list(parts)
    texts = [part for part in found if isinstance(part, TextPart)]
    if len(texts) != len(found):
        raise Unreadable(path, f"`{path}` must be text")
    return texts


def _content(raw: msgspec.Raw, path: str, owner: Members) -> Iterator[Part]:
    if is_text(raw):
        text = read_text(raw, path)
        if text:
            yield TextPart(text)
        return
    for block in objects(raw, path, owner.losses):
        part = _block(block)
        if part is not None:
            yield part


def _block(block: Members) -> Part | None:
    kind = block.needed_text("type")
    if kind in OPAQUE_KINDS or (kind.endswith(OPAQUE_ENDING) and kind != "tool_result"):
        return OpaquePart(kind, VENDOR)
    if kind in TOOL_REFERENCES:
        return None
    part = _known_block(kind, block)
    block.close()
    return part


def _known_block(kind: str, block: Members) -> Part | None:
    match kind:
        case "text":
            return _text(block)
        case "image" | "document":
            return _media(kind, block)
        case "compaction":
            return _summary(block)
        case "tool_use":
            return _call(block)
        case "tool_result":
            return _result(block)
        case "thinking":
            return _thinking(block)
        case "redacted_thinking":
            data = block.needed_text("data")
            state = unpack(data) or ProviderDetails(VENDOR, "redacted", data)
            return ReasoningPart("", redacted=True, details=state)
        case _:
            raise Inexpressible(block.path, f"blocks of the kind `{kind}` cannot be translated")


def _text(block: Members) -> TextPart | None:
    text = block.needed_text("text")
    cache = read_cache_mark(block)
    block.lose("citations", "citations of earlier answers are not sent back", hint=True)
    return TextPart(text, cache) if text else None


def _summary(block: Members) -> TextPart | None:
    """What the vendor made of the conversation before it, in words where these are given."""
    text = block.text("content")
    cache = read_cache_mark(block)
    if not text:
        reason = "the vendor's summary of what was said before holds no text"
        block.losses.append(Loss(block.path, reason, "meaning"))
        return None
    reason = "the vendor's summary of what was said before is sent as text"
    block.losses.append(Loss(block.path, reason, "hint"))
    return TextPart(text, cache)


def _thinking(block: Members) -> ReasoningPart:
    """No signature: the thoughts of a model that signs none, which were told by us."""
    text = block.text("thinking") or ""
    signature = block.text("signature")
    if not signature:
        return ReasoningPart(text)
    return ReasoningPart(
        text, details=unpack(signature) or ProviderDetails(VENDOR, "signature", signature)
    )


def _call(block: Members) -> ToolCallPart:
    raw = block.raw("input")
    part = ToolCallPart(
        call_id=block.needed_text("id"),
        name=block.needed_text("name"),
        arguments="{}" if raw is None else bytes(raw).decode(),
        cache=read_cache_mark(block),
    )
    block.skip("caller")
    return part


def _result(block: Members) -> ToolResultPart:
    raw = block.raw("content")
    path = block.at("content")
    found = [] if raw is None else list(_result_content(raw, path, block))
    return ToolResultPart(
        call_id=block.needed_text("tool_use_id"),
        parts=found,
        is_error=block.flag("is_error"),
        cache=read_cache_mark(block),
    )


def _result_content(raw: msgspec.Raw, path: str, owner: Members) -> Iterator[TextPart | MediaPart]:
    if is_text(raw):
        yield TextPart(read_text(raw, path))
        return
    for block in objects(raw, path, owner.losses):
        kind = block.needed_text("type")
        if kind in TOOL_REFERENCES:
            continue
        part = _known_block(kind, block)
        if not isinstance(part, TextPart | MediaPart | None):
            raise Unreadable(
                block.path, f"a tool's result cannot hold a block of the kind `{kind}`"
            )
        if part is not None:
            yield part
        block.close()


def _media(kind: MediaKind, block: Members) -> MediaPart:
    source = block.member("source")
    if source is None:
        raise Unreadable(block.at("source"), f"`{block.at('source')}` is missing")
    mime, found = _source(source)
    part = MediaPart(
        kind,
        mime or ("application/pdf" if kind == "document" else ""),
        found,
        name=block.text("title"),
        cache=read_cache_mark(block),
    )
    citations = block.member("citations")
    if citations is not None and citations.flag("enabled"):
        reason = "answers cannot be made to cite this document"
        block.losses.append(Loss(block.at("citations"), reason, "meaning"))
    block.lose("context", "the note beside a document is not sent")
    return part


def _source(source: Members) -> tuple[str | None, MediaSource]:
    """The media type, where it is said, and where the bytes are."""
    kind = source.needed_text("type")
    mime = source.text("media_type")
    match kind:
        case "base64":
            return mime, Base64(source.needed_text("data"))
        case "url":
            return mime, Url(source.needed_text("url"))
        case "text":
            return mime or "text/plain", InlineText(source.needed_text("data"))
        case "file":
            return mime, FileRef(VENDOR, source.needed_text("file_id"))
        case _:
            raise Inexpressible(source.path, f"sources of the kind `{kind}` cannot be translated")
