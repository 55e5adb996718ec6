"""The demo provider over HTTP: both formats, streamed and whole, and never mistaken for a model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import httpx2
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from providers.demo.script import ADVICE, MODELS, NOTICE
from providers.demo.server import serve_demo

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer"},
        "hourly": {"type": "boolean"},
        "places": {"type": "array", "minItems": 1, "items": {"type": "number"}},
        "unasked": {"type": "string"},
    },
    "required": ["city", "unit", "days", "hourly", "places"],
}
FITTING = {"city": "demo", "unit": "celsius", "days": 1, "hourly": True, "places": [1]}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
TOOL = {"name": "weather", "input_schema": WEATHER}
QUESTION = [{"role": "user", "content": "What is\na gateway?"}]


@pytest.fixture
async def address() -> AsyncIterator[str]:
    demo = await serve_demo()
    yield demo.address
    await demo.stop()


@pytest.fixture
async def openai(address) -> AsyncIterator[AsyncOpenAI]:
    client = httpx2.AsyncClient(trust_env=False)
    async with AsyncOpenAI(
        base_url=f"{address}/v1", api_key="none", max_retries=0, http_client=client
    ) as sdk:
        yield sdk


@pytest.fixture
async def anthropic(address) -> AsyncIterator[AsyncAnthropic]:
    client = httpx2.AsyncClient(trust_env=False)
    async with AsyncAnthropic(
        base_url=address, api_key="none", max_retries=0, http_client=client
    ) as sdk:
        yield sdk


def says_what_it_is(text: str | None) -> bool:
    return text == f"{NOTICE} You said: “What is a gateway?” {ADVICE}"


async def test_chat_answers_with_its_notice_and_the_question(openai):
    answer = await openai.chat.completions.create(model="demo-model", messages=QUESTION)
    assert says_what_it_is(answer.choices[0].message.content)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == 5
    assert answer.usage.total_tokens == 5 + answer.usage.completion_tokens


async def test_chat_streams_the_same_word_by_word_with_usage_when_asked(openai):
    stream = await openai.chat.completions.create(
        model="demo-model",
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert says_what_it_is("".join(texts))
    assert chunks[-1].usage.completion_tokens == len([text for text in texts if text]) > 20


async def test_chat_streams_no_usage_unasked(openai):
    stream = await openai.chat.completions.create(
        model="demo-model", messages=QUESTION, stream=True
    )
    assert all([chunk.choices and chunk.usage is None async for chunk in stream])


async def test_messages_answers_with_its_notice_and_the_question(anthropic):
    answer = await anthropic.messages.create(model="demo-model", messages=QUESTION, max_tokens=99)
    assert says_what_it_is(answer.content[0].text)
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens == 5
    assert answer.usage.output_tokens > 20


async def test_messages_streams_the_same(anthropic):
    async with anthropic.messages.stream(
        model="demo-model", messages=QUESTION, max_tokens=99
    ) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        final = await stream.get_final_message()
    assert says_what_it_is(text)
    assert final.usage.output_tokens > 20


async def test_an_answer_ends_at_the_most_tokens(openai, anthropic):
    chat = await openai.chat.completions.create(
        model="demo-model", messages=QUESTION, max_completion_tokens=3
    )
    assert chat.choices[0].finish_reason == "length"
    assert chat.usage.completion_tokens == 3
    message = await anthropic.messages.create(model="demo-model", messages=QUESTION, max_tokens=3)
    assert message.stop_reason == "max_tokens"
    assert message.content[0].text == "This is Patchbay's"


@pytest.mark.parametrize(
    "choice", ["auto", "required", {"type": "function", "function": {"name": "weather"}}]
)
async def test_chat_calls_a_tool_that_is_offered_with_arguments_that_fit(choice, openai):
    answer = await openai.chat.completions.create(
        model="demo-model", messages=QUESTION, tools=[CHAT_TOOL], tool_choice=choice
    )
    [call] = answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", FITTING)


async def test_chat_speaks_plainly_once_the_tool_has_answered_or_none_may_be_called(openai):
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    history = [
        *QUESTION,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "21 degrees"},
    ]
    answer = await openai.chat.completions.create(
        model="demo-model", messages=history, tools=[CHAT_TOOL]
    )
    assert "“21 degrees.” " in answer.choices[0].message.content
    answer = await openai.chat.completions.create(
        model="demo-model", messages=QUESTION, tools=[CHAT_TOOL], tool_choice="none"
    )
    assert says_what_it_is(answer.choices[0].message.content)


async def test_messages_streams_a_tool_call_and_plain_text_after_its_result(anthropic):
    async with anthropic.messages.stream(
        model="demo-model", messages=QUESTION, max_tokens=99, tools=[TOOL]
    ) as stream:
        message = await stream.get_final_message()
    [use] = message.content
    assert message.stop_reason == "tool_use"
    assert (use.name, use.input) == ("weather", FITTING)

    result = {"type": "tool_result", "tool_use_id": use.id, "content": "21 degrees"}
    reminder = {"type": "text", "text": "Be brief."}
    history = [
        *QUESTION,
        {"role": "assistant", "content": [use.model_dump()]},
        {"role": "user", "content": [result, reminder]},
    ]
    answer = await anthropic.messages.create(
        model="demo-model", messages=history, max_tokens=99, tools=[TOOL]
    )
    assert "21 degrees" in answer.content[0].text


async def test_the_tool_that_the_question_names_is_called(anthropic):
    asked = [{"role": "user", "content": "Please use weather"}]
    tools = [{"name": "other", "input_schema": {"type": "object"}}, TOOL]
    answer = await anthropic.messages.create(
        model="demo-model", messages=asked, max_tokens=99, tools=tools
    )
    assert answer.content[0].name == "weather"


async def test_it_lists_its_models_and_counts_tokens(openai, anthropic):
    assert tuple([model.id async for model in openai.models.list()]) == MODELS
    assert tuple([model.id async for model in anthropic.models.list()]) == MODELS
    count = await anthropic.messages.count_tokens(model="demo-model", messages=QUESTION)
    assert count.input_tokens == 5


async def test_json_that_has_to_fit_a_schema_fits_it(openai, anthropic):
    schema = {"type": "json_schema", "json_schema": {"name": "weather", "schema": WEATHER}}
    for form, fitting in [(schema, FITTING), ({"type": "json_object"}, {})]:
        answer = await openai.chat.completions.create(
            model="demo-model", messages=QUESTION, response_format=form
        )
        assert json.loads(answer.choices[0].message.content) == fitting
    answer = await anthropic.messages.create(
        model="demo-model",
        messages=QUESTION,
        max_tokens=99,
        output_config={"format": {"type": "json_schema", "schema": WEATHER}},
    )
    assert json.loads(answer.content[0].text) == FITTING


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"{}", b'{"model":"m","messages":[]}', b'{"model":"m","messages":[1]}']
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_what_it_does_not_understand_is_a_400(path, body, address):
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        answer = await client.post(path, content=body)
    assert answer.status_code == 400
    assert "demo" in answer.json()["error"]["message"]
    assert answer.json().get("request_id") != "demo"


async def test_stopping_it_closes_its_connections_in_mid_stream(address):
    demo = await serve_demo()
    body = {"model": "demo-model", "messages": QUESTION, "stream": True}
    async with httpx.AsyncClient(base_url=demo.address, trust_env=False) as client:
        async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            pieces = answer.aiter_raw()
            await anext(pieces)
            await demo.stop()
            with pytest.raises(httpx.RemoteProtocolError):
                [piece async for piece in pieces]
