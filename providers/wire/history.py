"""Rules of a conversation that several formats share."""

from __future__ import annotations

from collections.abc import Sequence

from providers.wire.errors import Inexpressible
from providers.wire.model import Message, ToolCallPart, ToolResultPart


def require_answers(messages: Sequence[Message]) -> None:
    """Every call has its result before the next assistant turn; a result is never invented.

    Raises Inexpressible: a provider would refuse such a history, in words about ids that the
    client never saw.
    """
    open_calls: dict[str, list[str]] = {}
    answering = False
    for message in messages:
        if message.role == "assistant":
            if answering:
                _refuse(open_calls)
            answering = False
            for part in message.parts:
                if isinstance(part, ToolCallPart):
                    open_calls.setdefault(part.call_id, []).append(part.name)
        elif message.role == "user":
            answering = True
            for part in message.parts:
                if isinstance(part, ToolResultPart) and open_calls.get(part.call_id):
                    open_calls[part.call_id].pop()
    _refuse(open_calls)


def _refuse(open_calls: dict[str, list[str]]) -> None:
    for call_id, names in open_calls.items():
        for name in names:
            raise Inexpressible("messages", f"the call {call_id} of the tool {name} has no result")
