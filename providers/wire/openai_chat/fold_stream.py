"""Fold a stream of Chat Completions chunks into the chat completion that it means.

Pure, and never fails. The dialects are those that the decoder knows; it reads for the hub, and
this keeps what it does not understand.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from providers.wire.accumulate import Items, Pieces, add, overlay, put, settle
from providers.wire.codec import Folded
from providers.wire.json_text import Json
from providers.wire.openai_chat.watch import DONE
from providers.wire.whole_stream import JSON_STRING, Dialect, read_stream

HEAD = frozenset({"id", "object", "created", "model"})
"""The same in every chunk. Some servers leave them empty in a first or a last one."""
PADDING = b',"obfuscation":"'
PARTS = ("text", "thinking")
NO_TEXT_BESIDE = ("tool_calls", "function_call", "refusal", "audio")
DEEPEST_PART = 2

_plain = re.compile(
    rb'(?P<start>data: ?\{[^\[\{]*"choices": ?\[\{[^\[\{]*"delta": ?\{'
    rb'(?:(?:"role": ?"assistant", ?)?"(?:content|reasoning_content|reasoning|refusal)": ?"'
    rb'|(?P<call>"tool_calls": ?\[\{(?:"index": ?\d+, ?)?"function": ?\{"arguments": ?")))'
    rb"(?P<text>" + JSON_STRING + rb")"
    rb'(?P<end>"(?(call)\}(?:, ?"index": ?\d+)?\}\]\}|\})[^\[\{]*)'
)


def _without_obfuscation(block: bytes) -> bytes:
    """OpenAI makes its chunks equally long by a last member of letters and digits."""
    place = block.rfind(PADDING)
    if place < 0 or not block.endswith(b'"}'):
        return block
    return block[:place] + b"}" if block[place + len(PADDING) : -2].isalnum() else block


DIALECT = Dialect(_plain, PADDING, _without_obfuscation, DONE)


def fold_stream(stream: bytes) -> Folded:
    """See providers.wire.codec.Codec.fold."""
    found = read_stream(stream, DIALECT)
    if not found.events:
        return Folded(b"{}", True)
    answer = _Answer()
    for name, chunk in found.events:
        if name == b"error" and "error" not in chunk:
            chunk = {"error": chunk}
        answer.add(chunk)
    message = answer.message()
    return Folded(msgspec.json.encode(message), not found.done or "error" in message)


class _Answer:
    """What all chunks say together."""

    __slots__ = ("_choices", "_last", "_members")

    def __init__(self) -> None:
        self._members: Json = {}
        self._choices: dict[int, _Choice] = {}
        self._last: Json = {}

    def add(self, chunk: Json) -> None:
        choices = chunk.pop("choices", None)
        chunk.pop("obfuscation", None)
        if not self._members:
            self._members = dict(chunk)
        elif chunk != self._last:
            self._add_members(chunk)
        self._last = chunk
        if type(choices) is list:
            self._members.setdefault("choices", [])
            for place, choice in enumerate(choices):
                if type(choice) is dict:
                    self._choice(choice.pop("index", None), place).add(choice)

    def _add_members(self, chunk: Json) -> None:
        members = self._members
        for name, value in chunk.items():
            if name not in HEAD:
                put(members, name, value)
            elif not members.get(name):
                members[name] = value

    def _choice(self, index: Any, place: int) -> _Choice:
        number = index if type(index) is int else place
        if number not in self._choices:
            self._choices[number] = _Choice()
        return self._choices[number]

    def message(self) -> Json:
        members = self._members
        for name in ("usage", "error"):
            if name in members and members[name] is None:
                del members[name]
        if "choices" in members or "object" in members:
            members["object"] = "chat.completion"
        if "choices" in members:
            members["choices"] = [self._choices[n].said(n) for n in sorted(self._choices)]
        return members


class _Choice:
    """One of the answers."""

    __slots__ = ("_annotations", "_calls", "_last", "_members", "_message")

    def __init__(self) -> None:
        self._message: Json = {"role": None, "content": None}
        self._members: Json = {}
        self._calls = _Calls()
        self._annotations: list[Any] = []
        self._last: Json | None = None

    def add(self, choice: Json) -> None:
        delta = choice.pop("delta", None)
        if delta is None:
            delta = choice.pop("message", None)
        if delta and type(delta) is dict:
            self._delta(delta)
        if choice != self._last:
            self._add_members(choice)

    def _add_members(self, choice: Json) -> None:
        """Lists grow, so what holds any is added also if it was said before: log probabilities."""
        overlay(self._members, choice)
        simple = not any(type(value) in (list, dict) for value in choice.values())
        self._last = choice if simple else None

    def _delta(self, delta: Json) -> None:
        calls = delta.pop("tool_calls", None)
        if type(calls) is list:
            for piece in calls:
                self._calls.add(piece)
        annotations = delta.pop("annotations", None)
        if type(annotations) is list:
            self._annotations += annotations
        content = delta.get("content")
        if type(content) is list or type(self._message["content"]) is Items:
            self._parts(delta.pop("content", None))
        if type(delta.get("function_call")) is dict:
            _write_arguments(delta["function_call"])
        add(self._message, delta)

    def _parts(self, content: Any) -> None:
        """Mistral's content may be a list, or become one, or be text again after one."""
        known = self._message["content"]
        if type(known) is not Items:
            self._message["content"] = parts = Items()
            if type(known) is Pieces and any(known):
                parts.append({"type": "text", "text": known})
            known = parts
        said = content if type(content) is list else [{"type": "text", "text": content}]
        for part in said if content else ():
            _add_part(known, part, DEEPEST_PART)

    def said(self, number: int) -> Json:
        message = self._message
        settle(message)
        calls = self._calls.said()
        if calls:
            message["tool_calls"] = calls
        if self._annotations:
            message["annotations"] = [_unnumbered(item) for item in self._annotations]
        if message["content"] == "" and any(message.get(name) for name in NO_TEXT_BESIDE):
            message["content"] = None
        message["role"] = message["role"] or "assistant"
        return {"index": number, "message": message, "finish_reason": None, **self._members}


def _add_part(parts: Items, part: Any, depth: int) -> None:
    """Parts of a text follow each other; neighbours of one kind are one."""
    if type(part) is not dict or not depth:
        parts.append(part)
        return
    last = parts[-1] if parts else None
    kind = part.get("type")
    if type(last) is not dict or last.get("type") != kind or kind not in PARTS:
        last = {}
        parts.append(last)
    for name, value in part.items():
        if type(value) is not list:
            add(last, {name: value})
            continue
        if type(last.get(name)) is not Items:
            last[name] = Items()
        for inner in value:
            _add_part(last[name], inner, depth - 1)


class _Calls:
    """The tool calls of an answer, told apart as the decoder does it: by index, else by id."""

    __slots__ = ("_by_index", "_calls", "_last")

    def __init__(self) -> None:
        self._calls: list[Json] = []
        self._by_index: dict[int, Json] = {}
        self._last: Json | None = None

    def add(self, piece: Any) -> None:
        if type(piece) is not dict:
            return
        index = piece.pop("index", None)
        function = piece.get("function")
        name = None
        if type(function) is dict:
            _write_arguments(function)
            name = function.get("name")
        if piece.get("id") == "null":
            del piece["id"]
        call = self._call(index if type(index) is int else None, piece.get("id"), name)
        add(call, piece)
        if function is not None:
            call.setdefault("type", "function")

    def _call(self, index: int | None, identifier: Any, name: Any) -> Json:
        call = self._last if index is None else self._by_index.get(index)
        if call is None or _is_other(call, index, identifier, name):
            call = {}
            self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        self._last = call
        return call

    def said(self) -> list[Json]:
        for call in self._calls:
            settle(call)
        return self._calls


def _is_other(call: Json, index: int | None, identifier: Any, name: Any) -> bool:
    """Whether a piece begins another call than the one whose turn it is.

    Some servers send whole calls, all under index 0; some give no index at all.
    """
    known = call.get("id")
    other = bool(identifier and known and identifier != known)
    if index is not None:
        return other and bool(name)
    function = call.get("function")
    if not (type(function) is dict and function.get("name")):
        return other
    return bool(identifier != known if identifier else name)


def _write_arguments(function: Json) -> None:
    """Some servers send the object itself; the format has its JSON text."""
    arguments = function.get("arguments")
    if type(arguments) is dict:
        function["arguments"] = msgspec.json.encode(arguments).decode()


def _unnumbered(item: Any) -> Any:
    """Pieces of a list are numbered in streams only."""
    if type(item) is dict:
        item.pop("index", None)
    return item
