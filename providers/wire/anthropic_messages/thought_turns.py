"""Where in a history Anthropic wants to find thinking, once thinking with a budget is on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Turn(NamedTuple):
    """What matters of a message: whether it gives results, calls, or holds thinking of Anthropic."""

    role: str
    answers: bool
    called: bool
    thought: bool


def answers_unthought_call(turns: Iterable[Turn]) -> bool:
    """Whether the calls of a turn that still goes on came without any thinking.

    A turn of the assistant goes on over its calls and their results, until the user says something
    else. One block of thinking in it is enough.
    """
    called = thought = answered = False
    spoke = True
    for turn in turns:
        if turn.role == "user":
            spoke, answered = True, answered or turn.answers
        elif turn.role == "assistant":
            if spoke and not answered:
                called = thought = False
            spoke = answered = False
            called, thought = called or turn.called, thought or turn.thought
    return called and not thought and (answered or not spoke)
