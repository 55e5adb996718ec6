"""Take out of a Messages history what Anthropic did not sign, when it goes there untranslated.

Answers of other vendors show their thoughts to a Messages client in blocks without a signature, or
with a carrier of ours in its place. Anthropic refuses both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from providers.wire.anthropic_messages.thought_turns import Turn, answers_unthought_call
from providers.wire.carriers import unpack
from providers.wire.codec import Edits, ModelFacts
from providers.wire.envelope import read_text

THOUGHTS = ("thinking", "redacted_thinking")
OFF = b'{"type":"disabled"}'

_foreign = re.compile(rb'"pb1\.|"signature"\s*:\s*""')
_messages: msgspec.json.Decoder[list[dict[str, msgspec.Raw]]] = msgspec.json.Decoder(
    list[dict[str, msgspec.Raw]]
)
_array: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


class Block(msgspec.Struct):
    type: str = ""
    signature: str | None = None
    data: str | None = None

    def is_foreign(self, unsigned_stay: bool) -> bool:
        if self.type == "thinking" and not self.signature:
            return not unsigned_stay
        state = self.signature if self.type == "thinking" else self.data
        return self.type in THOUGHTS and unpack(state or "") is not None


_block = msgspec.json.Decoder(Block)


class History:
    """The messages of a request, one after the other; `messages` are what is left of them."""

    def __init__(self, unsigned_stay: bool) -> None:
        self.messages: list[dict[str, msgspec.Raw]] = []
        self.turns: list[Turn] = []
        self.edited = False
        self._unsigned_stay = unsigned_stay

    def add(self, message: dict[str, msgspec.Raw]) -> None:
        role = read_text(message, "role")
        raws = _blocks(message.get("content"))
        blocks = [_read_block(raw) for raw in raws]
        if role == "assistant":
            foreign = [block.is_foreign(self._unsigned_stay) for block in blocks]
            if any(foreign):
                self.edited = True
                raws = [raw for raw, out in zip(raws, foreign, strict=True) if not out]
                blocks = [block for block, out in zip(blocks, foreign, strict=True) if not out]
                message = {**message, "content": msgspec.Raw(msgspec.json.encode(raws))}
                if not raws:
                    return
        self.messages.append(message)
        kinds = {block.type for block in blocks}
        self.turns.append(
            Turn(role, "tool_result" in kinds, "tool_use" in kinds, not kinds.isdisjoint(THOUGHTS))
        )


def foreign_thinking_out(members: Mapping[str, msgspec.Raw], facts: ModelFacts) -> Edits:
    """The messages without it, and thinking switched off where Anthropic would now miss some.

    Families that want their own unsigned thoughts back keep those.
    """
    raw = members.get("messages")
    if raw is None or not _foreign.search(bytes(raw)):
        return Edits({}, [])
    try:
        messages = _messages.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Edits({}, [])
    history = History(facts.wants_reasoning)
    for message in messages:
        history.add(message)
    if not history.edited:
        return Edits({}, [])
    changed, names = {"messages": msgspec.json.encode(history.messages)}, ["messages.thinking"]
    thinks = "thinking" in members and _read_block(members["thinking"]).type == "enabled"
    if thinks and answers_unthought_call(history.turns):
        changed["thinking"] = OFF
        names.append("thinking")
    return Edits(changed, names)


def _blocks(content: msgspec.Raw | None) -> list[msgspec.Raw]:
    if content is None or memoryview(content)[0] != ord("["):
        return []
    return _array.decode(content)


def _read_block(raw: msgspec.Raw) -> Block:
    """A block of another shape is not ours to judge."""
    try:
        return _block.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Block()
