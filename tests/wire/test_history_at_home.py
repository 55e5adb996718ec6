"""A history that Anthropic did not write alone, sent to Anthropic in its own format."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from providers.adapters.registry import ADAPTERS
from providers.endpoint import Login
from providers.translate import Ask, Outbound, Translator
from providers.wire.carriers import pack
from providers.wire.envelope import open_envelope
from providers.wire.model import ProviderDetails
from providers.wire.registry import CODECS
from tests.chaos.speech import chat_chunk
from tests.wire.pieces import STOP, calls, piece
from tests.wire.talk import MESSAGES, carry, endpoint, lane, read

QUESTION = {"role": "user", "content": "What is it?"}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "It."}
ANSWERED = {"role": "user", "content": [RESULT]}
CALL = {"type": "tool_use", "id": "t", "name": "look", "input": {"exact": 7.0}}
TEXT = {"type": "text", "text": "Yes."}
SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "anthropics"}
UNSIGNED = {"type": "thinking", "thinking": "Hm.", "signature": ""}
CARRIER = pack(ProviderDetails("google", "call", "S"))
CARRIERS = [
    {"type": "thinking", "thinking": "", "signature": CARRIER},
    {"type": "redacted_thinking", "data": CARRIER},
]
THINKING = {"type": "enabled", "budget_tokens": 2000}


def said(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def ask(body: bytes) -> Ask:
    return Ask(MESSAGES, open_envelope(body), {}, "0192-test", None, False)


def at_home(model: str = "claude-sonnet-4-5") -> Any:
    return replace(
        endpoint(model), adapter=ADAPTERS["anthropic"], logins=(Login("main", {}, "secret"),)
    )


def outbound(*turns: dict[str, Any], model: str = "claude-sonnet-4-5", **more: Any) -> Outbound:
    body = {"model": model, "max_tokens": 4000, "messages": list(turns), **more}
    return Translator(CODECS).outbound(ask(json.dumps(body).encode()), at_home(model))


def sent(made: Outbound) -> Any:
    return json.loads(made.request.body)


@pytest.mark.parametrize("block", [UNSIGNED, *CARRIERS])
def test_thinking_that_anthropic_did_not_sign_is_taken_out_and_named(block):
    made = outbound(QUESTION, said(SIGNED, block, CALL), ANSWERED)
    assert made.edits == ["messages.thinking"]
    assert sent(made)["messages"] == [QUESTION, said(SIGNED, CALL), ANSWERED]


def test_what_a_chat_provider_answered_comes_back_without_its_thoughts():
    thought = chat_chunk({"role": "assistant", "reasoning_content": "Hm."})
    call = piece(0, "{}", id="t", name="look")
    call["extra_content"] = {"google": {"thought_signature": "S"}}
    events = read(carry(lane(MESSAGES), [thought, calls(call), STOP, b"data: [DONE]\n\n"]))
    blocks = [event["content_block"] for event in events if "content_block" in event]
    assert [block["type"] for block in blocks] == ["thinking", "thinking", "tool_use"]
    made = outbound(QUESTION, said(*blocks), ANSWERED)
    assert [block["type"] for block in sent(made)["messages"][1]["content"]] == ["tool_use"]


def test_a_turn_of_nothing_else_goes_with_it():
    made = outbound(QUESTION, said(UNSIGNED), QUESTION)
    assert sent(made)["messages"] == [QUESTION, QUESTION]


@pytest.mark.parametrize(
    "turns",
    [
        [QUESTION, said(SIGNED, CALL), ANSWERED],
        [{"role": "user", "content": 'What is "signature":"" and "pb1.a.b.c"?'}],
        [QUESTION, said({"type": "text", "text": "x", "signature": ""})],
        [{"role": "user", "content": [{"type": "thinking", "signature": "", "thinking": 7}, 7]}],
        [{"role": "user", "signature": ""}],
    ],
)
def test_all_else_stays_the_clients_own_bytes(turns):
    body = json.dumps({"model": "claude-sonnet-4-5", "messages": turns}).encode()
    made = Translator(CODECS).outbound(ask(body), at_home())
    assert made.edits == []
    assert sent(made) == json.loads(body)


def test_without_the_thought_before_a_call_an_older_model_is_asked_not_to_think():
    made = outbound(QUESTION, said(UNSIGNED, CALL), ANSWERED, thinking=THINKING)
    assert made.edits == ["messages.thinking", "thinking"]
    assert sent(made)["thinking"] == {"type": "disabled"}


def test_thinking_stays_on_where_anthropic_takes_it():
    begun = [QUESTION, said(SIGNED, CALL), ANSWERED, said(UNSIGNED, CALL), ANSWERED]
    assert sent(outbound(*begun, thinking=THINKING))["thinking"] == THINKING
    over = [QUESTION, said(UNSIGNED, CALL), ANSWERED, said(TEXT), QUESTION]
    assert sent(outbound(*over, thinking=THINKING))["thinking"] == THINKING
    adaptive = {"type": "adaptive"}
    made = outbound(*begun[:1], *begun[3:], thinking=adaptive, model="claude-opus-4-6")
    assert sent(made)["thinking"] == adaptive


def test_the_count_of_tokens_is_asked_for_what_would_be_sent():
    body = {"model": "m", "messages": [QUESTION, said(CARRIERS[0], CALL), ANSWERED]}
    there = at_home()
    request = Translator(CODECS).count_tokens(
        ask(json.dumps(body).encode()), there, there.logins[0]
    )
    assert request is not None
    counted = json.loads(request.body)
    assert counted == {"model": there.model, "messages": [QUESTION, said(CALL), ANSWERED]}


def test_a_server_that_wants_its_unsigned_thoughts_back_gets_them():
    turns = [QUESTION, said(UNSIGNED, CARRIERS[0], CALL), ANSWERED]
    made = outbound(*turns, model="deepseek-reasoner")
    assert sent(made)["messages"][1] == said(UNSIGNED, CALL)
