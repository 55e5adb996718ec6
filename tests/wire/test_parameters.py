"""Sampling and thinking: what each family of models takes, and what becomes of the rest."""

from __future__ import annotations

import pytest

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
)


class TestThinking:
    """Budgets, families, and blocks that must come back unchanged or not at all."""

    def test_an_effort_is_a_budget_that_leaves_room_for_the_answer(self):
        body = sent(CHAT, chat(reasoning_effort="high", max_tokens=5000))
        assert body["thinking"] == {"type": "enabled", "budget_tokens": 4999}

    def test_without_room_thinking_is_off(self):
        body = chat(reasoning_effort="high", max_tokens=500)
        assert "thinking" not in sent(CHAT, body)
        assert lost(CHAT, body) == {("reasoning", "hint")}

    def test_newer_families_decide_themselves_how_much(self):
        body = chat(reasoning_effort="medium", temperature=0.3)
        made = sent(CHAT, body, model="claude-opus-5")
        assert made["thinking"]["type"] == "adaptive"
        assert made["output_config"] == {"effort": "medium"}
        assert "temperature" not in made

    def test_a_forced_call_is_not_forced_on_a_model_that_thinks(self):
        tools = [{"type": "function", "function": {"name": "f"}}]
        body = chat(tools=tools, tool_choice="required", reasoning_effort="low")
        assert sent(CHAT, body)["tool_choice"] == {"type": "auto"}
        assert ("tool_choice", "meaning") in lost(CHAT, body)

    def test_a_call_whose_thinking_did_not_come_back_turns_thinking_off(self):
        body = chat(*HELLO, called("a"), result("a"), reasoning_effort="low")
        assert "thinking" not in sent(CHAT, body)
        assert ("reasoning", "hint") in lost(CHAT, body)

    def test_one_thought_of_a_turn_that_goes_on_is_enough(self):
        state = {
            "type": "reasoning.text",
            "text": "Hm.",
            "signature": "pb1.anthropic.signature.cw==",
        }
        first = {**called("a"), "reasoning_details": [state]}
        loop = [*HELLO, first, result("a"), called("b"), result("b")]
        assert sent(CHAT, chat(*loop, reasoning_effort="low"))["thinking"]["type"] == "enabled"
        again = [*loop, {"role": "assistant", "content": "Yes."}, *HELLO, called("c"), result("c")]
        assert "thinking" not in sent(CHAT, chat(*again, reasoning_effort="low"))

    def test_a_new_turn_may_think_whatever_came_before(self):
        body = [*HELLO, called("a"), result("a"), {"role": "assistant", "content": "Yes."}, *HELLO]
        assert sent(CHAT, chat(*body, reasoning_effort="low"))["thinking"]["type"] == "enabled"

    def test_families_that_decide_themselves_take_unthought_and_forced_calls(self):
        tools = [{"type": "function", "function": {"name": "look"}}]
        loop = [*HELLO, called("a"), result("a")]
        body = chat(*loop, tools=tools, tool_choice="required", reasoning_effort="low")
        made = sent(CHAT, body, model="claude-opus-4-6")
        assert made["thinking"]["type"] == "adaptive"
        assert made["tool_choice"] == {"type": "any"}
        assert lost(CHAT, body, model="claude-opus-4-6") == set()

    def test_state_that_a_client_hands_back_returns_to_its_issuer_unchanged(self):
        answer = (
            b'{"type":"message","content":[{"type":"thinking","thinking":"Hm.","signature":"s1"},'
            b'{"type":"redacted_thinking","data":"r1"},'
            b'{"type":"tool_use","id":"t1","name":"look","input":{}}],"stop_reason":"tool_use"}'
        )
        import json

        given = json.loads(translate(CHAT, chat()).lane.whole(answer))["choices"][0]["message"]
        body = chat(*HELLO, given, result("t1"), reasoning_effort="low")
        assert sent(CHAT, body)["messages"][1]["content"][:2] == [
            {"type": "thinking", "thinking": "Hm.", "signature": "s1"},
            {"type": "redacted_thinking", "data": "r1"},
        ]
        assert sent(CHAT, body)["thinking"]["type"] == "enabled"

    def test_state_of_another_issuer_is_left_out(self):
        thought = {"type": "thinking", "thinking": "Hm.", "signature": "anthropics"}
        turn = {"role": "assistant", "content": [thought, {"type": "text", "text": "Yes."}]}
        body = message(*HELLO, turn, *HELLO)
        assert sent(MESSAGES, body)["messages"][1] == {"role": "assistant", "content": "Yes."}
        assert lost(MESSAGES, body) == {("messages[1].reasoning", "hint")}

    def test_thoughts_go_back_to_families_that_want_them(self):
        thought = {"type": "thinking", "thinking": "Hm.", "signature": ""}
        turn = {"role": "assistant", "content": [thought, {"type": "text", "text": "Yes."}]}
        body = sent(MESSAGES, message(*HELLO, turn, *HELLO), model="deepseek-reasoner")
        assert body["messages"][1]["reasoning_content"] == "Hm."

    @pytest.mark.parametrize(
        ("thinking", "effort"),
        [
            ({"type": "enabled", "budget_tokens": 1024}, "minimal"),
            ({"type": "enabled", "budget_tokens": 30000}, "high"),
            ({"type": "adaptive"}, None),
            ({"type": "disabled"}, None),
        ],
    )
    def test_a_budget_is_the_nearest_effort(self, thinking, effort):
        body = message(thinking=thinking, temperature=1)
        assert sent(MESSAGES, body, model="gpt-5").get("reasoning_effort") == effort


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5.1", "o1", "o3-mini", "o4-mini"])
def test_models_that_take_no_stop_sequences_get_none(model):
    body = message(stop_sequences=["END"])
    assert "stop" not in sent(MESSAGES, body, model=model)
    assert lost(MESSAGES, body, model=model) == {("stop", "meaning")}


NEITHER_BOTH = [
    "claude-opus-4-1",
    "claude-sonnet-4-5",
    "claude-opus-4-5",
    "claude-haiku-4-5",
    "claude-opus-4-6",
    "claude-sonnet-4-6",
]


@pytest.mark.parametrize("model", NEITHER_BOTH)
@pytest.mark.parametrize(
    ("asked", "written", "losses"),
    [
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5}, {("top_p", "meaning")}),
        ({"temperature": 1, "top_p": 0.9}, {"top_p": 0.9}, set()),
        ({"temperature": 0.5, "top_p": 1}, {"temperature": 0.5}, set()),
        ({"temperature": 1.5, "top_p": 0.9}, {"top_p": 0.9}, {("temperature", "meaning")}),
        ({"top_p": 0.9}, {"top_p": 0.9}, set()),
    ],
)
def test_of_temperature_and_top_p_newer_claudes_take_one(model, asked, written, losses):
    made = sent(CHAT, chat(**asked), model=model)
    assert {name: made[name] for name in ("temperature", "top_p") if name in made} == written
    assert lost(CHAT, chat(**asked), model=model) == losses


def test_older_claudes_take_temperature_and_top_p():
    made = sent(CHAT, chat(temperature=0.5, top_p=0.9), model="claude-3-7-sonnet")
    assert (made["temperature"], made["top_p"]) == (0.5, 0.9)


@pytest.mark.parametrize(("top_p", "goes"), [(0.9, False), (0.95, True)])
def test_a_model_that_thinks_takes_only_a_high_top_p(top_p, goes):
    body = chat(reasoning_effort="low", top_p=top_p)
    assert ("top_p" in sent(CHAT, body)) is goes
    assert (("top_p", "meaning") in lost(CHAT, body)) is not goes


@pytest.mark.parametrize(
    ("client", "model", "effort", "written"),
    [
        (CHAT, "claude-opus-4-6", "xhigh", "high"),
        (CHAT, "claude-opus-4-6", "max", "max"),
        (CHAT, "claude-opus-4-7", "xhigh", "xhigh"),
        (CHAT, "claude-opus-4-7", "minimal", "low"),
        (MESSAGES, "gpt-5", "xhigh", "high"),
        (MESSAGES, "gpt-5", "minimal", "minimal"),
        (MESSAGES, "gpt-5.1", "minimal", "low"),
        (MESSAGES, "o3", "minimal", "low"),
    ],
)
def test_an_effort_that_the_model_does_not_know_is_sent_as_the_nearest(
    client, model, effort, written
):
    if client is CHAT:
        body = chat(reasoning_effort=effort)
        made = sent(client, body, model=model)["output_config"]["effort"]
    else:
        body = message(output_config={"effort": effort})
        made = sent(client, body, model=model)["reasoning_effort"]
    assert made == written
    losses = {("reasoning", "hint")} if made != effort else set()
    assert lost(client, body, model=model) == losses
