"""Turns of parts, which whatever was said in any format becomes for readers, and how to make them. Pure."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import msgspec

from usage.transcripts.cut_marks import mark_of

Kind = Literal["text", "thinking", "call", "result", "media", "other"]
JSON = dict[str, Any]

_data_url = re.compile(r"data:([^;,]*)[^,]*;base64,", re.IGNORECASE)


class Part(NamedTuple):
    """A piece of a turn. `name` is a tool's or a kind's, `call_id` joins a call and its result."""

    kind: Kind
    text: str
    name: str = ""
    call_id: str = ""
    failed: bool = False


class Turn(NamedTuple):
    """What one side says at once. `role` is system, user, assistant, tool, error, request or response;
    the last two are bodies of which only the beginning is there."""

    role: str
    parts: list[Part]


class Said(NamedTuple):
    """The turns that were asked with, those that were answered, tools on offer, how it stopped."""

    asked: list[Turn]
    answered: list[Turn]
    tools: list[str] = []
    stop: str = ""


def members(value: Any) -> JSON:
    """The object that a value is; an empty one if it is none."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[JSON]:
    """The objects of a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """The text that a value is; as JSON if it is none."""
    if isinstance(value, str):
        return value
    return "" if value is None else json_text(value)


def json_text(value: Any) -> str:
    return msgspec.json.encode(_encodable(value)).decode()


def _encodable(value: Any) -> Any:
    """Without halves of characters, which cannot be written as UTF-8."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    if isinstance(value, dict):
        return {_encodable(name): _encodable(each) for name, each in value.items()}
    return value


def texts(*found: str) -> list[Part]:
    """Parts of the texts that say anything."""
    return [Part("text", each) for each in found if each]


def other(block: JSON) -> Part:
    """A part of a kind that a reader does not know. Marks for caches say nothing."""
    rest = {name: value for name, value in block.items() if name not in ("type", "cache_control")}
    return Part("other", json_text(rest), text(block.get("type")) or "part")


def media(kind: str, source: str, mime: str = "", name: str = "") -> Part:
    """An image, a sound, a document: its size and type, or where it lies. `source` is data or address."""
    cut = mark_of(source)
    source = source.removesuffix(cut)
    found = _data_url.match(source[:200])
    if found is not None:
        mime, source = found[1] or mime, source[found.end() :]
    elif "://" in source[:20]:
        return Part("media", " ".join(word for word in (kind, source, name) if word))
    size = _size(len(source.rstrip("=")) * 3 // 4) if source else ""
    ending = mime.rpartition("/")[2].partition("+")[0]
    return Part("media", " ".join(word for word in (kind, size, ending, name, cut) if word))


def _size(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.0f} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
