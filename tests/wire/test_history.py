"""Histories as clients keep them: repeated ids, results in several turns, turns that are missing."""

from __future__ import annotations

from typing import Any

import pytest

from providers.wire.errors import Inexpressible
from tests.wire.talk import (
    CHAT,
    HELLO,
    MESSAGES,
    called,
    chat,
    lost,
    message,
    result,
    sent,
    translate,
    user,
)

IMAGE = {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}}


def uses(*ids: str) -> dict[str, Any]:
    blocks = [{"type": "tool_use", "id": name, "name": "look", "input": {}} for name in ids]
    return {"role": "assistant", "content": blocks}


def given(call_id: str, content: Any = "seen") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


def pairs(turns: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each id and what it stands on, call or result with its text, in order."""
    found = []
    for turn in turns:
        for block in turn["content"] if isinstance(turn["content"], list) else []:
            if block["type"] == "tool_use":
                found.append((block["id"], "call"))
            elif block["type"] == "tool_result":
                found.append((block["tool_use_id"], block["content"]))
    return found


def test_an_id_that_comes_again_in_a_later_turn_is_another_call():
    body = chat(*HELLO, called("call_0"), result("call_0", "1"), called("call_0"))
    body["messages"] += [result("call_0", "2"), called("call_0"), result("call_0", "3")]
    found = pairs(sent(CHAT, body)["messages"])
    assert [what for _, what in found] == ["call", "1", "call", "2", "call", "3"]
    ids = [call_id for call_id, _ in found]
    assert ids[0::2] == ids[1::2]
    assert ids[0] == "call_0"
    assert len(set(ids)) == 3


def test_one_id_for_two_calls_of_a_turn_is_two_and_their_results_follow():
    body = chat(*HELLO, called("x", "x"), result("x", "1"), result("x", "2"))
    found = pairs(sent(CHAT, body)["messages"])
    assert [found[2], found[3]] == [(found[0][0], "1"), (found[1][0], "2")]
    assert found[0][0] != found[1][0]


def test_repeated_ids_are_told_apart_for_chat_completions_too():
    body = message(*HELLO, uses("x"), user(given("x", "1")), uses("x"), user(given("x", "2")))
    turns = sent(MESSAGES, body)["messages"]
    ids = [turn["tool_calls"][0]["id"] for turn in turns if "tool_calls" in turn]
    assert [turn["tool_call_id"] for turn in turns if turn["role"] == "tool"] == ids
    assert len(set(ids)) == 2


def test_of_two_calls_with_one_id_both_want_a_result():
    with pytest.raises(Inexpressible, match="no result"):
        translate(CHAT, chat(*HELLO, called("x", "x"), result("x")))


def test_results_stand_right_behind_their_calls_whatever_comes_with_them():
    body = message(
        *HELLO,
        uses("a", "b"),
        user({"type": "text", "text": "Look:"}, given("a", [IMAGE])),
        {"role": "system", "content": "Be rude."},
        user(given("b")),
    )
    turns = sent(MESSAGES, body)["messages"]
    roles = ["user", "assistant", "tool", "tool", "user", "system"]
    assert [turn["role"] for turn in turns] == roles
    assert [turn["tool_call_id"] for turn in turns[2:4]] == ["a", "b"]
    assert [part["type"] for part in turns[4]["content"]] == ["text", "image_url"]


def test_the_beginning_of_an_answer_is_not_gone_on_with_by_chat_completions():
    body = message(*HELLO, {"role": "assistant", "content": "The answer is"})
    assert sent(MESSAGES, body)["messages"][1]["content"] == "The answer is"
    assert lost(MESSAGES, body) == {("messages[1]", "meaning")}
    assert lost(MESSAGES, message(*HELLO, *body["messages"][1:], *HELLO)) == set()


@pytest.mark.parametrize("turns", [[], [{"role": "assistant", "content": "x"}], [user()]])
def test_a_history_without_a_turn_of_the_user_is_refused(turns):
    for client, body in (
        (CHAT, {"messages": turns}),
        (MESSAGES, {"messages": turns, "max_tokens": 9}),
    ):
        with pytest.raises(Inexpressible, match="no turn of the user"):
            translate(client, body)
