"""JSON as all formats read and write it: objects whose values stay the text that they were."""

from __future__ import annotations

from typing import Any

import msgspec

Json = dict[str, Any]

EMPTY_OBJECT = msgspec.Raw(b"{}")
EMPTY_SCHEMA = msgspec.Raw(b'{"type":"object","properties":{}}')

OBJECT: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def as_object(text: str) -> tuple[msgspec.Raw, bool]:
    """The text itself if it is an object, else one around it; and whether that was needed."""
    if not text.strip():
        return EMPTY_OBJECT, False
    try:
        OBJECT.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return msgspec.Raw(msgspec.json.encode({"_invalid_json": text})), True
    return msgspec.Raw(text.encode()), False
