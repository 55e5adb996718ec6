"""What the demo says to a request, whatever format it came in. Pure."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

MODELS = ("demo-model", "demo-small")
LONGEST_ECHO = 200
CHARACTERS_PER_TOKEN = 4
DEEPEST_SAMPLE = 8

NOTICE = "This is Patchbay's built-in demo, not a language model."
ADVICE = "Add a provider and point a rule at it to get real answers."

_pieces = re.compile(r"\s*\S+")


class Tool(NamedTuple):
    """A tool that the client offers, with the JSON schema of its arguments."""

    name: str
    schema: dict[str, Any]


class Asked(NamedTuple):
    """What a request comes to. `tool_result` is the last message, if it is the result of a tool.

    `tool_choice` is "auto", "none", "any" or the name of a tool. `schema` is of the JSON that the
    answer has to be, None for text.
    """

    model: str
    stream: bool
    question: str
    characters: int
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    tool_result: str | None = None
    most_tokens: int | None = None
    schema: dict[str, Any] | None = None

    @property
    def input_tokens(self) -> int:
        return max(1, -(-self.characters // CHARACTERS_PER_TOKEN))


class ToolCall(NamedTuple):
    name: str
    arguments: dict[str, Any]


class Said(NamedTuple):
    """The demo's answer: text in the pieces that a stream sends, or one tool call."""

    pieces: tuple[str, ...]
    cut: bool = False
    call: ToolCall | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def output_tokens(self) -> int:
        return len(self.pieces) if self.call is None else 1 + len(self.call.arguments)


def answer(asked: Asked) -> Said:
    """A tool call when tools are offered; plain text otherwise, and once a tool has answered."""
    if asked.tools and asked.tool_result is None and asked.tool_choice != "none":
        tool = _chosen(asked)
        arguments = _sample(tool.schema)
        return Said((), call=ToolCall(tool.name, arguments if isinstance(arguments, dict) else {}))
    pieces = tuple(_pieces.findall(_text(asked)))
    most = asked.most_tokens
    if most is not None and len(pieces) > most:
        return Said(pieces[:most], cut=True)
    return Said(pieces)


def _text(asked: Asked) -> str:
    if asked.schema is not None:
        return msgspec.json.encode(_sample(asked.schema)).decode()
    if asked.tool_result is not None:
        return f"{NOTICE} The tool answered: “{_excerpt(asked.tool_result)}” {ADVICE}"
    if asked.question:
        return f"{NOTICE} You said: “{_excerpt(asked.question)}” {ADVICE}"
    return f"{NOTICE} {ADVICE}"


def _excerpt(text: str) -> str:
    """One line, which ends like a sentence."""
    line = " ".join(text.split())
    if len(line) > LONGEST_ECHO:
        return line[: LONGEST_ECHO - 1] + "…"
    return line if line.endswith((".", "!", "?", "…")) else line + "."


def _chosen(asked: Asked) -> Tool:
    """The tool that is forced, else one that the question names, else the first."""
    for wanted in (lambda name: name == asked.tool_choice, lambda name: name in asked.question):
        for tool in asked.tools:
            if wanted(tool.name):
                return tool
    return asked.tools[0]


def _sample(schema: Any, depth: int = 0) -> Any:
    """A harmless value that fits a JSON schema, as far as its plain keywords say."""
    if not isinstance(schema, dict) or depth > DEEPEST_SAMPLE:
        return "demo"
    for fixed in ("const", "default"):
        if fixed in schema:
            return schema[fixed]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf"):
        if isinstance(schema.get(choice), list) and schema[choice]:
            return _sample(schema[choice][0], depth + 1)
    return _sample_of_type(schema, depth)


def _sample_of_type(schema: dict[str, Any], depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0] if kind else "string"
    if kind == "object":
        members = schema.get("properties", {})
        return {name: _sample(members.get(name), depth + 1) for name in schema.get("required", [])}
    if kind == "array":
        return [_sample(schema.get("items"), depth + 1)] if schema.get("minItems") else []
    return {"integer": 1, "number": 1, "boolean": True, "null": None}.get(kind, "demo")
