"""The Anthropic SDK, to an Anthropic provider (claude-test) and translated to an OpenAI one (gpt-test)."""

from __future__ import annotations

import asyncio
import json

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic
from pydantic import BaseModel

from tests.chaos import Cut, say, speech, stream, whole
from tests.house import House
from tests.sdk.anthropic_ways import WAYS, settings
from tests.sdk.test_openai import HI, ONE, PIXEL, SCHEMA, TWO

NATIVE, TRANSLATED = "claude-test", "gpt-test"
MODELS = pytest.mark.parametrize("model", [NATIVE, TRANSLATED], ids=["native", "translated"])
EACH_WAY = pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)
TOOLS = [
    {"name": name, "description": name, "input_schema": SCHEMA} for name in ("weather", "time")
]


@MODELS
@EACH_WAY
async def test_text(house: House, model, ask):
    answer = await ask(house, model=model, messages=HI)
    [block] = answer.content
    assert block.text == speech.TEXT
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (11, 7)
    record = await house.record()
    assert (record["input_tokens"], record["output_tokens"]) == (11, 7)
    assert record["outcome"] == "completed"


@MODELS
@EACH_WAY
@pytest.mark.parametrize("calls", [ONE, TWO], ids=["single", "parallel"])
async def test_tool_calls(house: House, model, ask, calls):
    house.chaos.next(say(calls=calls))
    answer = await ask(house, model=model, messages=HI, tools=TOOLS)
    assert answer.stop_reason == "tool_use"
    assert [(block.id, block.name, block.input) for block in answer.content] == calls
    sent = (await house.seen()).json["tools"]
    names = [tool.get("name") or tool["function"]["name"] for tool in sent]
    assert names == ["weather", "time"]


RESULTS = [
    *HI,
    {
        "role": "assistant",
        "content": [
            {"type": "tool_use", "id": identifier, "name": name, "input": arguments}
            for identifier, name, arguments in TWO
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "call_1", "content": "Sunny"},
            {"type": "tool_result", "tool_use_id": "call_2", "content": "Noon"},
        ],
    },
]


@MODELS
@EACH_WAY
async def test_tool_results(house: House, model, ask):
    answer = await ask(house, model=model, messages=RESULTS, tools=TOOLS)
    assert answer.content[0].text == speech.TEXT
    sent = (await house.seen()).json["messages"]
    if model == NATIVE:
        assert sent == RESULTS
        return
    _, calls, *results = sent
    assert [call["id"] for call in calls["tool_calls"]] == ["call_1", "call_2"]
    arguments = [json.loads(call["function"]["arguments"]) for call in calls["tool_calls"]]
    assert arguments == [call[2] for call in TWO]
    said = [(result["role"], result["tool_call_id"], result["content"]) for result in results]
    assert said == [("tool", "call_1", "Sunny"), ("tool", "call_2", "Noon")]


@MODELS
async def test_a_forced_tool(house: House, model):
    house.chaos.next(say(calls=ONE))
    forced = {"type": "tool", "name": "weather"}
    await WAYS["async"](house, model=model, messages=HI, tools=TOOLS, tool_choice=forced)
    sent = (await house.seen()).json["tool_choice"]
    function = {"type": "function", "function": {"name": "weather"}}
    assert sent == (forced if model == NATIVE else function)


@MODELS
@EACH_WAY
async def test_an_image(house: House, model, ask):
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "text", "text": "What is this?"}, {"type": "image", "source": source}]
    answer = await ask(house, model=model, messages=[{"role": "user", "content": content}])
    assert answer.content[0].text == speech.TEXT
    [sent] = (await house.seen()).json["messages"]
    if model == NATIVE:
        assert sent["content"] == content
        return
    assert sent["content"][1]["image_url"]["url"] == f"data:image/png;base64,{PIXEL}"


@MODELS
@EACH_WAY
async def test_thinking(house: House, model, ask):
    house.chaos.next(say(thinking="Let me see."))
    asked = {"type": "enabled", "budget_tokens": 1024}
    answer = await ask(house, model=model, messages=HI, thinking=asked)
    thought, text = answer.content
    assert (thought.type, thought.thinking) == ("thinking", "Let me see.")
    assert text.text == speech.TEXT


class Weather(BaseModel):
    city: str
    degrees: int


@MODELS
async def test_structured_output(house: House, model):
    said = Weather(city="Bern", degrees=7)
    house.chaos.next(say(said.model_dump_json()))
    async with AsyncAnthropic(**settings(house)) as client:
        answer = await client.messages.parse(
            model=model, messages=HI, max_tokens=100, output_format=Weather
        )
    assert answer.parsed_output == said
    sent = (await house.seen()).body
    assert b'"degrees"' in sent
    assert b'"json_schema"' in sent


@MODELS
async def test_a_system_prompt_and_stop_sequences(house: House, model):
    await WAYS["sync"](house, model=model, messages=HI, system="Be brief.", stop_sequences=["END"])
    sent = (await house.seen()).json
    if model == NATIVE:
        assert (sent["system"], sent["stop_sequences"]) == ("Be brief.", ["END"])
        return
    assert sent["messages"][0]["role"] in ("system", "developer")
    assert sent["stop"] == ["END"]


@MODELS
@EACH_WAY
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.InternalServerError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.InternalServerError),
    ],
)
async def test_a_provider_s_error_is_raised_as_the_right_class(house, model, ask, status, error):
    said = speech.message_error("no") if model == NATIVE else speech.chat_error("no")
    house.chaos.next(whole(said, status))
    with pytest.raises(error) as caught:
        await ask(house, model=model, messages=HI)
    assert caught.value.status_code == {401: 502, 500: 502}.get(status, status)


@MODELS
@pytest.mark.parametrize("ask", [WAYS["sync stream"], WAYS["async stream"]], ids=["sync", "async"])
async def test_a_stream_that_breaks_raises(house: House, model, ask):
    events = speech.message_events() if model == NATIVE else speech.chat_events()
    house.chaos.next(stream(events[:6], pause=0.002, then=[Cut()]))
    with pytest.raises(anthropic.APIStatusError) as caught:
        await ask(house, model=model, messages=HI)
    assert "broke off" in str(caught.value)


async def test_the_gateway_s_own_refusals_are_raised_as_the_right_classes(house: House):
    async with AsyncAnthropic(**settings(house, "pbk_wrong")) as client:
        with pytest.raises(anthropic.AuthenticationError):
            await client.models.list()
    with pytest.raises(anthropic.NotFoundError):
        await WAYS["async"](house, model="nonesuch", messages=HI)


@MODELS
async def test_tokens_are_counted(house: House, model):
    def work() -> int:
        with Anthropic(**settings(house)) as client:
            return client.messages.count_tokens(model=model, messages=HI).input_tokens

    count = await asyncio.to_thread(work)
    assert count == 42 if model == NATIVE else count > 0


async def test_models_are_listed(opening):
    target = {"provider": "openai", "model": "gpt-4o", "tier": 1, "weight": 1}
    rules = [{"name": "a", "match": {"model": "fast"}, "targets": [target]}]
    async with opening({"rules": rules}) as house:
        async with AsyncAnthropic(**settings(house)) as client:
            assert [model.id async for model in client.models.list()] == ["fast"]
