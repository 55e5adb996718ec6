"""How large a prompt is: text by its bytes, media at a flat figure."""

from __future__ import annotations

from typing import Any

import pytest

from providers.wire.envelope import open_envelope
from providers.wire.prompt import FILE_TOKENS, IMAGE_TOKENS, PromptSize
from providers.wire.registry import CODECS
from tests.chaos.speech import compact

LONG = "QUJD" * 100_000
AT = "https://example.com/large.png"
MOST_AROUND = 200
"""Bytes of JSON around one part."""


def measured(*parts: Any) -> PromptSize:
    body = compact({"model": "m", "messages": [{"role": "user", "content": list(parts)}]})
    """As the Codec of each format has it, which is the same."""
    [size] = {open_envelope(body, (), codec.measure).prompt for codec in CODECS.values()}
    return size


def source(kind: str, **members: Any) -> dict[str, Any]:
    return {"type": kind, **members}


IMAGE = {"type": "image", "source": source("base64", media_type="image/png", data=LONG)}


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        (
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{LONG}"}},
            IMAGE_TOKENS,
        ),
        ({"type": "image_url", "image_url": {"url": AT}}, IMAGE_TOKENS),
        ({"type": "input_audio", "input_audio": {"data": LONG, "format": "wav"}}, FILE_TOKENS),
        (
            {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{LONG}"}},
            FILE_TOKENS,
        ),
        (IMAGE, IMAGE_TOKENS),
        ({"type": "image", "source": source("url", url=AT)}, IMAGE_TOKENS),
        ({"type": "document", "source": source("base64", data=LONG)}, FILE_TOKENS),
        ({"type": "document", "source": source("content", content=[IMAGE])}, IMAGE_TOKENS),
        ({"type": "tool_result", "tool_use_id": "t", "content": [IMAGE, IMAGE]}, 2 * IMAGE_TOKENS),
    ],
)
def test_media_count_the_same_however_large_they_are(part: dict[str, Any], tokens: int):
    size = measured({"type": "text", "text": "What is this?"}, part)
    assert size.media == tokens
    assert size.text < MOST_AROUND + 60


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": LONG},
        {"type": "document", "source": source("text", media_type="text/plain", data=LONG)},
        {"type": "tool_result", "tool_use_id": "t", "content": LONG},
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": LONG}]},
        {"type": 7, "text": LONG},
        {"type": "document", "source": LONG},
        LONG,
    ],
)
def test_everything_else_is_text(part: Any):
    size = measured(part)
    assert size.media == 0
    assert len(LONG) < size.text < len(LONG) + MOST_AROUND


def test_content_within_content_is_followed_only_so_far():
    part: dict[str, Any] = IMAGE
    for _ in range(50):
        part = {"type": "tool_result", "content": [part]}
    assert measured(part).media == 0


def test_messages_of_another_type_are_text():
    assert open_envelope(b'{"model":"m","messages":["no"]}').prompt == PromptSize(31)


def test_tokens_are_rounded_up_and_media_added():
    assert PromptSize(9, 100).tokens(4) == 103
