"""A strict key or rule refuses what a translation would lose; others are told what was lost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.house import MESSAGES, House, asked, provider, rule
from tests.rawclient import post

LOSSY: dict[str, Any] = {"top_k": 5}  # Chat Completions has no such member


def to_openai(house: House, **more: Any) -> dict[str, Any]:
    """Messages for claude-* go to a provider that speaks Chat Completions."""
    return {
        "providers": [provider("openai", house.chaos.openai_url, "sk-chaos-openai-4711")],
        "rules": [rule("claude", "claude-*", ["openai"], **more)],
    }


async def test_a_lossy_translation_says_what_it_lost(house: House):
    await house.apply(to_openai(house))
    answer = await house.message(**LOSSY)
    assert answer.status_code == 200
    assert "top_k" in answer.headers["x-patchbay-loss"]
    record = await house.record()
    assert [path for path, _ in record["losses"]] == ["top_k"]


@pytest.mark.parametrize("name", ["a\r\nx-other: b=1", "\x00", "\x1f\x7f\x80", "größe"])
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
async def test_a_lost_member_s_own_name_does_no_harm_to_the_headers(house, name, streaming):
    """A server refuses a header with control characters, and the answer was paid for."""
    await house.apply(to_openai(house))
    body = {**asked("claude-test", max_tokens=9, stream=streaming), name: 1}
    content = json.dumps(body).encode()
    answer = await house.say(post(MESSAGES, content, house.key))
    assert answer.status == 200
    assert answer.headers["x-patchbay-loss"] == re.sub("[^ -~]", "?", name)
    assert "x-other" not in answer.headers
    record = await house.record()
    assert (record["outcome"], record["reason"]) == ("completed", "ok")


async def test_a_record_keeps_no_more_losses_than_fit(house: House):
    await house.apply(to_openai(house))
    unknown: dict[str, Any] = {f"x-{number}": 1 for number in range(300)}
    await house.message(**unknown)
    assert len((await house.record())["losses"]) == 100


async def test_losses_are_counted_by_the_pair_of_formats(house: House):
    await house.apply(to_openai(house))
    await house.message(**LOSSY)
    await house.message()
    await house.settled()
    pair = {"client_format": "anthropic.messages", "upstream_format": "openai.chat"}
    assert REGISTRY.get_sample_value("patchbay_losses_total", pair) == 1


async def test_a_strict_rule_refuses_it_and_asks_no_provider(house: House):
    await house.apply(to_openai(house, strict=True))
    answer = await house.message(**LOSSY)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "top_k" in answer.json()["error"]["message"]
    record = await house.record()
    assert (record["outcome"], record["reason"]) == ("refused", "strict_loss")
    assert record["cost_nano"] == 0
    assert not house.chaos.requests


@pytest.mark.parametrize("members", [{}, {"temperature": 0.5}])
async def test_a_strict_rule_lets_pass_what_loses_nothing(house: House, members: dict[str, Any]):
    await house.apply(to_openai(house, strict=True))
    answer = await house.message(**members)
    assert answer.status_code == 200
    assert "x-patchbay-loss" not in answer.headers
