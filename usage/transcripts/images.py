"""The images of an exchange as data: URLs that a page may show. Pure: nothing is ever fetched.

Readers turn an image into words; here its data is found again by these words, in the same order.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

from usage.transcripts.stored import Line
from usage.transcripts.turns import JSON, Part, Said, media, members, text

LARGEST = 2 * 2**20
"""Characters of base64. What is larger is named, and not shown."""

_shown = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
"""No SVG: it is a document of its own, with links and scripts."""


def images(line: Line, found: Said) -> dict[int, list[str]]:
    """The images of each part, by the identity of the part. Those that lie elsewhere are not among them.

    A result is text, and names its images in brackets; a tool that writes such a line itself can only
    have an image of the same exchange shown there.
    """
    waiting: dict[str, deque[str]] = defaultdict(deque)
    bodies = line.head.bodies()
    for name in ("request", "response"):
        for words, url in _walk(bodies.read(name)):
            waiting[words].append(url)
    if not waiting:
        return {}
    taken: dict[int, list[str]] = {}
    for turn in (*found.asked, *found.answered):
        for part in turn.parts:
            urls = [waiting[words].popleft() for words in _named(part) if waiting.get(words)]
            shown = [url for url in urls if len(url) <= LARGEST and _shown.fullmatch(url)]
            if shown:
                taken[id(part)] = shown
    return taken


def _named(part: Part) -> list[str]:
    """What a part calls the images that it holds."""
    if part.kind == "media":
        return [part.text]
    if part.kind != "result":
        return []
    lines = part.text.split("\n")
    return [line[1:-1] for line in lines if line.startswith("[image ") and line.endswith("]")]


def _walk(body: Any) -> Iterator[tuple[str, str]]:
    """(words, data: URL) of every image of a body, in the order that they stand there."""
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from _image(value)
            waiting += reversed(list(value.values()))
        elif isinstance(value, list):
            waiting += reversed(value)


def _image(block: JSON) -> Iterator[tuple[str, str]]:
    if block.get("type") == "image_url":
        image = block.get("image_url")
        url = text(members(image).get("url") or image)
        yield media("image", url).text, url
    elif block.get("type") == "image":
        source = members(block.get("source"))
        mime, data = text(source.get("media_type")), text(source.get("data"))
        name = text(block.get("title") or source.get("file_id"))
        yield media("image", data, mime, name).text, f"data:{mime};base64,{data}"
