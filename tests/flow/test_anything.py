"""Whatever a client asks and whatever a provider answers: a refusal or an answer, never a defect."""

from __future__ import annotations

import asyncio
import json
import logging
from random import Random
from typing import Any

import pytest

from tests.chaos import speech, stream, whole
from tests.flow.garbling import garbled, garbled_events
from tests.house import CHAT, MESSAGES, House, asked
from tests.rawclient import post
from tests.sdk import test_anthropic, test_openai

COUNT = "/v1/messages/count_tokens"
PIXEL = {"url": f"data:image/png;base64,{test_openai.PIXEL}"}
ROUNDS = 40

CHAT_REQUEST: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": PIXEL}],
        },
        *test_openai.RESULTS[1:],
        {"role": "assistant", "content": "Yes.", "refusal": None},
        {"role": "user", "content": "Go on.", "name": "ann"},
    ],
    "tools": test_openai.TOOLS,
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": False,
    "max_completion_tokens": 50,
    "temperature": 0.3,
    "top_p": 0.9,
    "n": 1,
    "stop": ["END"],
    "seed": 7,
    "user": "ann",
    "metadata": {"a": "b"},
    "reasoning_effort": "low",
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": test_openai.SCHEMA},
    },
    "stream_options": {"include_usage": True},
    "logit_bias": {"50256": -100},
}
MESSAGES_REQUEST: dict[str, Any] = {
    "max_tokens": 50,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        *test_anthropic.RESULTS,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "text", "text": "Yes."},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                },
            ],
        },
    ],
    "tools": test_anthropic.TOOLS,
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "stop_sequences": ["END"],
    "metadata": {"user_id": "ann"},
    "temperature": 1.0,
    "top_k": 5,
}
REQUESTS = {CHAT: CHAT_REQUEST, MESSAGES: MESSAGES_REQUEST, COUNT: MESSAGES_REQUEST}
MODELS = ["gpt-test", "claude-test"]


@pytest.fixture
def defects(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the gateway logged as an error of its own."""
    caplog.set_level(logging.ERROR)
    return caplog.messages


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", REQUESTS)
async def test_any_request_is_answered_or_refused(house: House, path, model, defects):
    chance = Random(f"{path} {model}")
    for _ in range(ROUNDS):
        body = garbled(REQUESTS[path], chance)
        body = body if isinstance(body, dict) else {"messages": body}
        body |= {"model": model, "stream": chance.choice([True, False])}
        answer = await house.say(post(path, json.dumps(body).encode(), house.key))
        assert answer.status in (200, 400), (answer.body, body)
        assert answer.complete
        if answer.status == 400:
            assert len(answer.json["error"]["message"]) > 5
    assert not defects


@pytest.mark.parametrize("client", [CHAT, MESSAGES])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
async def test_any_answer_is_passed_on_or_reported(opening, client, model, streaming, defects):
    chance = Random(f"{client} {model} {streaming}")
    async with opening(FIRST_CONTENT_SECONDS=2, IDLE_SECONDS=2) as house:
        for _ in range(ROUNDS):
            house.chaos.next(_streamed(model, chance) if streaming else _whole(model, chance))
            body = speech.compact(asked(model, stream=streaming, max_tokens=9))
            answer = await house.say(post(client, body, house.key))
            assert answer.status in (200, 429, 502, 503, 529), answer.body
            assert answer.complete
        records = await house.records()
    assert not defects
    assert "internal" not in {record["reason"] for record in records}
    assert len(records) == ROUNDS


def _whole(model: str, chance: Random) -> Any:
    speak = speech.chat_body if model == "gpt-test" else speech.message_body
    calls = chance.choice([(), test_openai.TWO])
    answer = json.loads(speak(calls=calls, thinking=chance.choice(["", "Hm."])))
    return whole(json.dumps(garbled(answer, chance)).encode())


def _streamed(model: str, chance: Random) -> Any:
    speak = speech.chat_events if model == "gpt-test" else speech.message_events
    events = speak(calls=chance.choice([(), test_openai.TWO]), thinking=chance.choice(["", "Hm."]))
    return stream(garbled_events(events, chance))


async def test_bytes_that_are_no_http_at_all_are_answered_or_cut(house: House):
    chance = Random(5)
    for _ in range(ROUNDS):
        client = await house.connect()
        await client.send(bytes(chance.randrange(256) for _ in range(chance.randrange(1, 300))))
        client.half_close()
        await asyncio.wait_for(_drained(client), 3)
        client.leave()


async def _drained(client: Any) -> None:
    try:
        await client.reader.read()
    except ConnectionResetError:
        return
