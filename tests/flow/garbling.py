"""Garble JSON: plausible requests and answers with a part of them put wrong, from a seed."""

from __future__ import annotations

import json
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**20,
    "",
    "text",
    "\ud83d\ude42",
    "data:image/png;base64,%%%",
    [],
    [[]],
    [None],
    {},
    {"type": "text"},
    {"type": "nonesuch", "text": 1},
    {"": {"": []}},
)


def garbled(value: Any, chance: Random, rate: float = 0.08) -> Any:
    """A copy in which each part may have been replaced, dropped or doubled."""
    if chance.random() < rate:
        return chance.choice(ODD)
    if isinstance(value, dict):
        kept = {name: part for name, part in value.items() if chance.random() > rate / 2}
        return {name: garbled(part, chance, rate) for name, part in kept.items()}
    if isinstance(value, list):
        parts = [garbled(part, chance, rate) for part in value if chance.random() > rate / 2]
        return parts * 2 if chance.random() < rate / 2 else parts
    return value


def garbled_events(blocks: list[bytes], chance: Random) -> list[bytes]:
    """The events of a stream: some garbled, some gone, some twice, some in another place."""
    events = [_garbled_event(block, chance) for block in blocks if chance.random() > 0.05]
    if events and chance.random() < 0.3:
        events.insert(chance.randrange(len(events)), chance.choice(events))
    if len(events) > 1 and chance.random() < 0.3:
        first, second = chance.randrange(len(events)), chance.randrange(len(events))
        events[first], events[second] = events[second], events[first]
    return events


def _garbled_event(block: bytes, chance: Random) -> bytes:
    head, mark, data = block.partition(b"data: ")
    if data.startswith(b"[DONE]"):
        return block
    value = garbled(json.loads(data), chance, 0.03)
    return head + mark + json.dumps(value).encode() + b"\n\n"
