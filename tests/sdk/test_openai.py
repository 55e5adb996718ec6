"""The OpenAI SDK, to an OpenAI provider (gpt-test) and translated to an Anthropic one (claude-test)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from tests.chaos import Cut, Stall, say, speech, stream, whole
from tests.house import House
from tests.sdk.openai_ways import WAYS, settings

NATIVE, TRANSLATED = "gpt-test", "claude-test"
MODELS = pytest.mark.parametrize("model", [NATIVE, TRANSLATED], ids=["native", "translated"])
EACH_WAY = pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)
HI: Any = [{"role": "user", "content": "Hi"}]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": SCHEMA}}
    for name in ("weather", "time")
]
ONE = [("call_1", "weather", {"city": "Zürich"})]
TWO = [*ONE, ("call_2", "time", {"city": "Bern"})]


@MODELS
@EACH_WAY
async def test_text(house: House, model, ask):
    answer = await ask(house, model=model, messages=HI)
    [choice] = answer.choices
    assert choice.message.content == speech.TEXT
    assert choice.finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 7)
    record = await house.record()
    assert (record["input_tokens"], record["output_tokens"]) == (11, 7)
    assert record["outcome"] == "completed"


@MODELS
@EACH_WAY
@pytest.mark.parametrize("calls", [ONE, TWO], ids=["single", "parallel"])
async def test_tool_calls(house: House, model, ask, calls):
    house.chaos.next(say(calls=calls))
    answer = await ask(house, model=model, messages=HI, tools=TOOLS)
    [choice] = answer.choices
    assert choice.finish_reason == "tool_calls"
    said = [
        (call.id, call.function.name, json.loads(call.function.arguments))
        for call in choice.message.tool_calls
    ]
    assert said == calls
    sent = (await house.seen()).json["tools"]
    names = [tool.get("name") or tool["function"]["name"] for tool in sent]
    assert names == ["weather", "time"]


RESULTS = [
    *HI,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": identifier,
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for identifier, name, arguments in TWO
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "Sunny"},
    {"role": "tool", "tool_call_id": "call_2", "content": "Noon"},
]


@MODELS
@EACH_WAY
async def test_tool_results(house: House, model, ask):
    answer = await ask(house, model=model, messages=RESULTS, tools=TOOLS)
    assert answer.choices[0].message.content == speech.TEXT
    sent = (await house.seen()).json["messages"]
    if model == NATIVE:
        assert sent == RESULTS
        return
    _, calls, results = sent
    assert [block["id"] for block in calls["content"]] == ["call_1", "call_2"]
    assert [block["input"] for block in calls["content"]] == [call[2] for call in TWO]
    assert [block["tool_use_id"] for block in results["content"]] == ["call_1", "call_2"]


@MODELS
async def test_a_forced_tool(house: House, model):
    house.chaos.next(say(calls=ONE))
    forced = {"type": "function", "function": {"name": "weather"}}
    await WAYS["async"](house, model=model, messages=HI, tools=TOOLS, tool_choice=forced)
    sent = (await house.seen()).json["tool_choice"]
    assert sent == forced if model == NATIVE else sent == {"type": "tool", "name": "weather"}


@MODELS
@EACH_WAY
async def test_an_image(house: House, model, ask):
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    answer = await ask(house, model=model, messages=[{"role": "user", "content": content}])
    assert answer.choices[0].message.content == speech.TEXT
    [sent] = (await house.seen()).json["messages"]
    if model == NATIVE:
        assert sent["content"] == content
        return
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    assert sent["content"][1] == {"type": "image", "source": source}


@MODELS
@EACH_WAY
async def test_thinking(house: House, model, ask):
    house.chaos.next(say(thinking="Let me see."))
    answer = await ask(house, model=model, messages=HI, reasoning_effort="low")
    message = answer.choices[0].message
    assert message.content == speech.TEXT
    assert message.reasoning_content == "Let me see."


class Weather(BaseModel):
    city: str
    degrees: int


@MODELS
async def test_structured_output(house: House, model):
    said = Weather(city="Bern", degrees=7)
    house.chaos.next(say(said.model_dump_json()))
    async with AsyncOpenAI(**settings(house)) as client:
        answer = await client.chat.completions.parse(
            model=model, messages=HI, response_format=Weather
        )
    assert answer.choices[0].message.parsed == said
    sent = (await house.seen()).body
    assert b'"degrees"' in sent
    assert b'"json_schema"' in sent


@MODELS
async def test_a_system_message_and_stop_sequences(house: House, model):
    messages = [{"role": "system", "content": "Be brief."}, *HI]
    await WAYS["sync"](house, model=model, messages=messages, stop=["END"], temperature=0.5)
    sent = (await house.seen()).json
    if model == NATIVE:
        assert (sent["messages"], sent["stop"]) == (messages, ["END"])
        return
    assert "Be brief." in json.dumps(sent["system"])
    assert sent["stop_sequences"] == ["END"]
    assert [message["role"] for message in sent["messages"]] == ["user"]


@MODELS
@EACH_WAY
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.InternalServerError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (529, openai.InternalServerError),
    ],
)
async def test_a_provider_s_error_is_raised_as_the_right_class(house, model, ask, status, error):
    said = speech.chat_error("no") if model == NATIVE else speech.message_error("no")
    house.chaos.next(whole(said, status))
    with pytest.raises(error) as caught:
        await ask(house, model=model, messages=HI)
    assert caught.value.status_code == {401: 502, 500: 502, 529: 503}.get(status, status)
    assert caught.value.request_id == str((await house.record())["exchange_id"])


@MODELS
@pytest.mark.parametrize("ask", [WAYS["sync stream"], WAYS["async stream"]], ids=["sync", "async"])
async def test_a_stream_that_breaks_raises(house: House, model, ask):
    events = speech.chat_events() if model == NATIVE else speech.message_events()
    house.chaos.next(stream(events[:5], pause=0.002, then=[Cut()]))
    with pytest.raises(openai.APIError) as caught:
        await ask(house, model=model, messages=HI)
    assert caught.value.code == "stream_interrupted"


async def test_the_gateway_s_own_refusals_are_raised_as_the_right_classes(house: House):
    async with AsyncOpenAI(**settings(house, "pbk_wrong")) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()
    with pytest.raises(openai.NotFoundError) as caught:
        await WAYS["async"](house, model="nonesuch", messages=HI)
    assert caught.value.code == "model_not_found"


async def test_models_are_listed_and_shown(opening):
    target = {"provider": "openai", "model": "gpt-4o", "tier": 1, "weight": 1}
    async with opening(
        {"rules": [{"name": "a", "match": {"model": "fast"}, "targets": [target]}]}
    ) as house:

        def work() -> tuple[list[str], str]:
            with OpenAI(**settings(house)) as client:
                return [model.id for model in client.models.list()], client.models.retrieve(
                    "fast"
                ).id

        assert await asyncio.to_thread(work) == (["fast"], "fast")


async def test_a_stream_that_is_closed_early_is_cancelled_upstream(house: House):
    house.chaos.next(stream(speech.chat_events()[:3], then=[Stall()]))
    async with AsyncOpenAI(**settings(house)) as client:
        asked: Any = {"model": NATIVE, "messages": HI, "stream": True}
        chunks = await client.chat.completions.create(**asked)
        async for chunk in chunks:
            if chunk.choices[0].delta.content:
                break
        await chunks.close()
        await (await house.seen()).leaving()
    assert (await house.record())["reason"] == "mid_stream"
