"""How large a prompt is: bytes of text, and media at a flat figure, for they are not charged by bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

IMAGE_TOKENS = 1_600
"""What a large picture comes to with most models."""
FILE_TOKENS = 5_000
"""For a document or a recording: some pages, or some minutes."""
DEEPEST = 4
"""Levels of content: a turn, a tool's result in it, a document in that, and its own."""
NOTHING = msgspec.Raw()


class PromptSize(NamedTuple):
    """`text` in bytes, the JSON around it included; `media` in tokens."""

    text: int
    media: int = 0

    def tokens(self, bytes_per_token: int) -> int:
        """Rounded up."""
        return -(-self.text // bytes_per_token) + self.media


class Turn(msgspec.Struct, gc=False):
    content: msgspec.Raw = NOTHING


class Part(msgspec.Struct, gc=False):
    """A part of content in either format: the members that may hold media, or parts of their own."""

    type: str = ""
    image_url: msgspec.Raw = NOTHING
    input_audio: msgspec.Raw = NOTHING
    file: msgspec.Raw = NOTHING
    source: msgspec.Raw = NOTHING
    content: msgspec.Raw = NOTHING


class Source(msgspec.Struct, gc=False):
    """Where a document of Messages comes from: its text, parts of content, or elsewhere."""

    type: str = ""
    content: msgspec.Raw = NOTHING


_turns = msgspec.json.Decoder(list[Turn])
_parts = msgspec.json.Decoder(list[Part])
_source = msgspec.json.Decoder(Source)


def measure(body: bytes, members: Mapping[str, msgspec.Raw]) -> PromptSize:
    """The size of a request in either format. What cannot be read counts as text."""
    try:
        turns = _turns.decode(members.get("messages", b"[]"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return PromptSize(len(body))
    without = media = 0
    for turn in turns:
        size, tokens = _in_content(turn.content, DEEPEST)
        without += size
        media += tokens
    return PromptSize(len(body) - without, media)


def _in_content(content: msgspec.Raw, levels: int) -> tuple[int, int]:
    """(bytes that are no text, tokens of media) of a content that may be a list of parts."""
    if not levels or not _is_list(content):
        return 0, 0
    try:
        parts = _parts.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0, 0
    without = media = 0
    for part in parts:
        if part.type != "text":
            size, tokens = _in_part(part, levels)
            without += size
            media += tokens
    return without, media


def _in_part(part: Part, levels: int) -> tuple[int, int]:
    match part.type:
        case "image_url":
            return len(part.image_url), IMAGE_TOKENS
        case "image":
            return len(part.source), IMAGE_TOKENS
        case "input_audio":
            return len(part.input_audio), FILE_TOKENS
        case "file":
            return len(part.file), FILE_TOKENS
        case "document":
            return _in_document(part.source, levels)
        case _:
            return _in_content(part.content, levels - 1)


def _in_document(raw: msgspec.Raw, levels: int) -> tuple[int, int]:
    try:
        source = _source.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0, 0
    if source.type == "text":
        return 0, 0
    if source.type == "content":
        return _in_content(source.content, levels - 1)
    return len(raw), FILE_TOKENS


def _is_list(raw: msgspec.Raw) -> bool:
    return len(raw) > 0 and memoryview(raw)[0] == ord("[")
