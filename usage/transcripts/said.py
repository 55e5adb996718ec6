"""What was said in an exchange, whatever format said it.

A format is one function and a line here: `(request, response) -> Said`. It is given JSON of any shape,
because logs also hold what a provider refused: it takes what it knows and hands on the rest as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from providers.wire.codec import WireFormat
from usage.transcripts.stored import Line
from usage.transcripts.turns import JSON, Part, Said, Turn, json_text, members, text
from usage.transcripts.turns_anthropic import read_anthropic_messages
from usage.transcripts.turns_openai import read_openai_chat

Reader = Callable[[JSON, JSON], Said]
READERS: dict[str, Reader] = {
    WireFormat.OPENAI_CHAT: read_openai_chat,
    WireFormat.ANTHROPIC_MESSAGES: read_anthropic_messages,
}
ANSWERS = frozenset(("choices", "content"))
"""Members of a whole answer; one that has them is no error, whatever else it has."""


def said(line: Line) -> Said:
    """What was said in an exchange; empty where only metadata was kept, or nothing opens.

    Of a body that its format's reader finds nothing in (it was refused, or counts tokens only), and
    of one whose format has no reader, the JSON is what was said.
    """
    bodies = line.head.bodies()
    request, response = bodies.read("request"), bodies.read("response")
    reader = READERS.get(line.head.client_format, _read_nothing)
    found = reader(_readable(request), _readable(response))
    asked = found.asked or _rest(request, "request")
    answered = found.answered or _rest(response, "response")
    if found.answered and members(response).get("error"):
        answered = [*answered, _error(response)]  # of a stream that ended with one
    return found._replace(asked=asked, answered=answered)


def _read_nothing(request: JSON, response: JSON) -> Said:
    return Said([], [])


def _readable(body: Any) -> JSON:
    """A body that its format's reader may look into."""
    return {} if _is_cut(body) or _is_error(body) else members(body)


def _is_cut(body: Any) -> bool:
    """Whether it is the beginning of a body that was too large."""
    return isinstance(body, dict) and list(body) == ["text"]


def _is_error(body: Any) -> bool:
    return isinstance(body, dict) and bool(body.get("error")) and not body.keys() & ANSWERS


def _rest(body: Any, role: str) -> list[Turn]:
    """What is said by something that no reader reads."""
    if _is_error(body):
        return [_error(body)]
    if not body:
        return []
    return [Turn(role, [Part("text", text(body["text"]) if _is_cut(body) else json_text(body))])]


def _error(body: JSON) -> Turn:
    error = members(body["error"])
    words = text(error.get("message")) or json_text(body["error"])
    return Turn("error", [Part("text", words, text(error.get("type")))])
