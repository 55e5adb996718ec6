"""Fold a stream of Messages events into the message that it means.

Pure, and never fails. What is not known is kept: members as they are, pieces of unknown kinds by
the names of their members.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from providers.wire.accumulate import add, put, settle
from providers.wire.codec import Folded
from providers.wire.json_text import Json
from providers.wire.whole_stream import JSON_STRING, Dialect, read_stream, read_values

IMPLIED: dict[str, Json] = {
    "text_delta": {"type": "text", "text": ""},
    "citations_delta": {"type": "text", "text": ""},
    "thinking_delta": {"type": "thinking", "thinking": "", "signature": ""},
    "signature_delta": {"type": "thinking", "thinking": "", "signature": ""},
    "input_json_delta": {"type": "tool_use", "id": "", "name": "", "input": {}},
}
"""The block that a delta is of, if nothing began it."""
OF_THE_EVENT = frozenset({"type", "delta", "usage"})
PADDING = b" }\n\n"

_plain = re.compile(
    rb"(?P<start>(?:event: ?content_block_delta\n)?data: ?\{[^\[\{]*"
    rb'"delta": ?\{"type": ?"(?:text_delta", ?"text|thinking_delta", ?"thinking'
    rb'|input_json_delta", ?"partial_json)": ?")'
    rb"(?P<text>" + JSON_STRING + rb")"
    rb'(?P<end>"\}[^\[\{]*)'
)


def _without_spaces(block: bytes) -> bytes:
    """Anthropic pads its events with spaces before the last bracket."""
    return block[:-1].rstrip(b" ") + b"}" if block.endswith(b" }") else block


DIALECT = Dialect(_plain, PADDING, _without_spaces)


def fold_stream(stream: bytes) -> Folded:
    """See providers.wire.codec.Codec.fold."""
    answer = _Answer()
    for name, event in read_stream(stream, DIALECT).events:
        kind = event.get("type")
        answer.add(kind if isinstance(kind, str) else name.decode(errors="replace"), event)
        if answer.ended:
            break
    message = answer.message()
    return Folded(msgspec.json.encode(message), not answer.ended or "error" in message)


class _Answer:
    """What all events say together."""

    __slots__ = ("_blocks", "_members", "_open", "ended")

    def __init__(self) -> None:
        self._members: Json = {}
        self._blocks: list[_Block] = []
        self._open: dict[int, _Block] = {}
        self.ended = False

    def add(self, kind: str, event: Json) -> None:
        match kind:
            case "content_block_delta":
                self._delta(event.get("index"), event.get("delta"))
            case "content_block_start":
                self._begin(event.get("index"), event.get("content_block"))
            case "message_start":
                self._start(event.get("message"))
            case "message_delta":
                self._message_delta(event)
            case "message_stop":
                self.ended = True
                self._overlay(event)
            case "error":
                self._fail(event)

    def _start(self, message: Any) -> None:
        """The first one counts. Blocks that it has are whole."""
        if type(message) is not dict or "role" in self._members:
            return
        content = message.pop("content", None)
        self._members = {"role": "assistant", **self._members, **message}
        for block in content if type(content) is list else ():
            self._begin(None, block)

    def _begin(self, index: Any, block: Any) -> None:
        if type(block) is dict:
            self._blocks.append(_Block(block))
            self._open[self._number(index)] = self._blocks[-1]

    def _number(self, index: Any) -> int:
        return index if type(index) is int else len(self._blocks) - 1

    def _delta(self, index: Any, delta: Any) -> None:
        if type(delta) is not dict:
            return
        number = self._number(index)
        if number not in self._open:
            kind = str(delta.get("type"))
            self._begin(number, dict(IMPLIED.get(kind, {"type": kind.removesuffix("_delta")})))
        self._open[number].add(delta)

    def _message_delta(self, event: Json) -> None:
        """Numbers are totals, so each replaces what was said before."""
        self._overlay(event)
        delta, usage = event.get("delta"), event.get("usage")
        if type(delta) is dict:
            self._overlay(delta)
        if type(usage) is dict:
            known = self._members.get("usage")
            self._members["usage"] = known if type(known) is dict else {}
            for name, value in usage.items():
                put(self._members["usage"], name, value)

    def _overlay(self, said: Json) -> None:
        for name, value in said.items():
            if name not in OF_THE_EVENT:
                put(self._members, name, value)

    def _fail(self, event: Json) -> None:
        """An answer that never began is the error itself."""
        if not self._members:
            self._members = {"type": "error"}
        self._members["error"] = event.get("error") or event

    def message(self) -> Json:
        members = self._members
        if self._blocks or (members and members.get("type") != "error"):
            members = {"role": "assistant", **members, "type": "message"}
            members["content"] = [block.said() for block in self._blocks]
        return members


class _Block:
    """A content block as it comes about."""

    __slots__ = ("_block", "_input")

    def __init__(self, block: Json) -> None:
        self._block = block
        self._input: list[str] = []

    def add(self, delta: Json) -> None:
        kind = delta.pop("type", None)
        if isinstance(delta.get("partial_json"), str):
            self._input.append(delta.pop("partial_json"))
        if kind == "citations_delta" and "citation" in delta:
            cited = self._block.get("citations")
            self._block["citations"] = cited if type(cited) is list else []
            self._block["citations"].append(delta.pop("citation"))
        if delta:
            add(self._block, delta)

    def said(self) -> Json:
        block = self._block
        settle(block)
        text = "".join(self._input)
        if text.strip():
            found = read_values([text.encode()])
            if found is None:
                block["partial_json"] = text
            else:
                block["input"] = found[0]
        return block
