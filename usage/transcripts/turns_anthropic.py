"""What was said in Anthropic Messages, as turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from usage.transcripts.turns import (
    JSON,
    Part,
    Said,
    Turn,
    json_text,
    media,
    members,
    objects,
    other,
    text,
    texts,
)

CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")


def read_anthropic_messages(request: JSON, response: JSON) -> Said:
    """The system text is the first turn."""
    asked = [
        Turn(text(message.get("role")), list(_content(message.get("content"))))
        for message in objects(request.get("messages"))
    ]
    system = list(_content(request.get("system")))
    answer = list(_content(response.get("content")))
    return Said(
        [*([Turn("system", system)] if system else []), *asked],
        [Turn("assistant", answer)] if answer else [],
        [text(tool.get("name")) for tool in objects(request.get("tools"))],
        text(response.get("stop_reason")),
    )


def _content(content: Any) -> Iterator[Part]:
    if isinstance(content, list):
        for block in objects(content):
            yield from _block(block)
    else:
        yield from texts(text(content))


def _block(block: JSON) -> list[Part]:
    kind = text(block.get("type"))
    if kind == "text":
        return texts(text(block.get("text")))
    if kind == "thinking":
        return [Part("thinking", text(block.get("thinking")))]
    if kind == "redacted_thinking":
        return [Part("thinking", "(only its provider can read it)")]
    if kind in CALLS:
        words = json_text(block.get("input"))
        return [Part("call", words, text(block.get("name")), text(block.get("id")))]
    if kind.endswith("tool_result"):
        return [_result(block, kind)]
    if kind in ("image", "document"):
        return [_media(block, kind)]
    return [other(block)]


def _result(block: JSON, kind: str) -> Part:
    """A result of the client's own tool, or of one that the vendor ran."""
    content = block.get("content")
    if isinstance(content, dict):
        content = [content]
    words = "\n".join(
        f"[{part.text}]" if part.kind == "media" else part.text for part in _content(content)
    )
    name = "" if kind == "tool_result" else kind
    call = text(block.get("tool_use_id"))
    return Part("result", words, name, call, block.get("is_error") is True)


def _media(block: JSON, kind: str) -> Part:
    source = members(block.get("source"))
    where = source.get("data") or source.get("url") or ""
    name = text(block.get("title") or source.get("file_id"))
    if source.get("type") == "text":
        return Part("text", text(where), name)
    return media(kind, text(where), text(source.get("media_type")), name)
