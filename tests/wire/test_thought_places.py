"""Anthropic's thoughts come back from a Chat client where they stood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.wire.carriers import pack
from providers.wire.model import ProviderDetails
from tests.wire.talk import CHAT, HELLO, called, chat, result, sent, translate


def uses(call_id: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "look", "input": {}}


def test_a_refusal_in_a_result_is_its_text():
    refused = {
        "role": "tool",
        "tool_call_id": "a",
        "content": [{"type": "refusal", "refusal": "No"}],
    }
    turns = sent(CHAT, chat(*HELLO, called("a"), refused))["messages"]
    assert turns[2]["content"][0]["content"] == "No"


class TestThoughtsInTheirPlaces:
    """Anthropic's blocks come back from a Chat client where they stood."""

    def back(self, *blocks: dict[str, Any]) -> list[Any]:
        """What Anthropic gets back of its own answer."""
        answer = {"type": "message", "content": list(blocks), "stop_reason": "tool_use"}
        whole = translate(CHAT, chat()).lane.whole(json.dumps(answer).encode())
        turn = json.loads(whole)["choices"][0]["message"]
        ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
        body = chat(*HELLO, turn, *map(result, ids), *HELLO)
        content: list[Any] = sent(CHAT, body)["messages"][1]["content"]
        return content

    @staticmethod
    def thought(signature: str) -> dict[str, Any]:
        return {"type": "thinking", "thinking": signature * 2, "signature": signature}

    @pytest.mark.parametrize("order", ["TxTcTcc", "xTcTc", "TTxc", "cTc", "RxT", "TcRc"])
    def test_in_the_order_they_were_given(self, order):
        blocks = []
        for number, letter in enumerate(order):
            match letter:
                case "T":
                    blocks.append(self.thought(f"s{number}"))
                case "R":
                    blocks.append({"type": "redacted_thinking", "data": f"r{number}"})
                case "x":
                    blocks.append({"type": "text", "text": "x"})
                case "c":
                    blocks.append(uses(f"c{number}"))
        assert self.back(*blocks) == blocks

    def test_a_place_that_makes_no_sense_is_the_nearest(self):
        state = pack(ProviderDetails("anthropic", "signature", "s"))
        details = [
            {"type": "reasoning.text", "text": "b", "signature": state, "index": 99},
            {"type": "reasoning.text", "text": "a", "signature": state},
        ]
        turn = {"role": "assistant", "content": "x", "reasoning_details": details}
        blocks = sent(CHAT, chat(*HELLO, turn, *HELLO))["messages"][1]["content"]
        assert [block["type"] for block in blocks] == ["thinking", "text", "thinking"]
        assert [blocks[0]["thinking"], blocks[2]["thinking"]] == ["a", "b"]
