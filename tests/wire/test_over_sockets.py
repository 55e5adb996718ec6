"""Translation by the front door: the vendors' SDKs, the gateway, and a provider of the other kind."""

from __future__ import annotations

import anthropic
import openai
import pytest

from tests.chaos import speech, stream, whole
from tests.house import CHAT, MESSAGES, House, asked

CALLS: list[speech.Call] = [
    ("call_1", "weather", {"city": "Zürich"}),
    ("call_2", "time", {"zone": 1}),
]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.fixture
async def chat(house: House):
    async with openai.AsyncOpenAI(
        base_url=f"{house.url}/v1", api_key=house.key, max_retries=0
    ) as client:
        yield client.chat.completions


@pytest.fixture
async def messages(house: House):
    async with anthropic.AsyncAnthropic(
        base_url=house.url, api_key=house.key, max_retries=0
    ) as client:
        yield client.messages


async def test_the_openai_sdk_streams_calls_from_anthropic(house: House, chat):
    house.chaos.next(stream(speech.message_events(calls=CALLS), pause=0.001))
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    hello = [{"role": "user", "content": "Weather?"}]
    async with chat.stream(model="claude-test", messages=hello, tools=tools) as answer:
        final = await answer.get_final_completion()
    found = [(c.id, c.function.name) for c in final.choices[0].message.tool_calls]
    assert found == [("call_1", "weather"), ("call_2", "time")]
    assert final.choices[0].finish_reason == "tool_calls"
    seen = (await house.seen()).json
    assert seen["tools"] == [{"name": "weather", "input_schema": SCHEMA}]
    assert (await house.record())["upstream_format"] == "anthropic.messages"


async def test_the_anthropic_sdk_streams_calls_from_openai(house: House, messages):
    house.chaos.next(stream(speech.chat_events(calls=CALLS), pause=0.001))
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    async with messages.stream(
        model="gpt-test",
        max_tokens=99,
        messages=[{"role": "user", "content": "Weather?"}],
        tools=tools,
    ) as answer:
        final = await answer.get_final_message()
    assert [(block.id, block.input) for block in final.content] == [
        (identifier, arguments) for identifier, _, arguments in CALLS
    ]
    assert final.stop_reason == "tool_use"
    assert final.usage.input_tokens == 11
    record = await house.record()
    assert (record["input_tokens"], record["output_tokens"]) == (11, 7)
    assert record["usage_source"] == "provider"
    assert (record["outcome"], record["response_model"]) == ("completed", "gpt-test")


async def test_whole_answers_are_translated_both_ways(house: House, chat, messages):
    hello = [{"role": "user", "content": "Hello"}]
    completion = await chat.create(model="claude-test", messages=hello)
    message = await messages.create(model="gpt-test", max_tokens=9, messages=hello)
    assert completion.choices[0].message.content == speech.TEXT
    assert message.content[0].text == speech.TEXT
    assert [record["outcome"] for record in await house.records()] == ["completed"] * 2


@pytest.mark.parametrize(("path", "model"), [(CHAT, "claude-test"), (MESSAGES, "gpt-test")])
async def test_losses_are_told_in_a_header_and_kept_in_the_books(house: House, path, model):
    response = await house.client.post(path, json=asked(model, max_tokens=9, mood="grim"))
    assert response.status_code == 200
    assert "mood" in response.headers["x-patchbay-loss"]
    assert (await house.record())["losses"] == [["mood", "this member is not known here"]]


async def test_a_provider_that_breaks_off_ends_in_an_error_the_sdk_raises(house: House, messages):
    events = speech.chat_events()[:3]
    house.chaos.next(stream(events))
    with pytest.raises(anthropic.APIStatusError, match="broke off"):
        async with messages.stream(
            model="gpt-test", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
        ) as answer:
            await answer.get_final_message()
    assert (await house.record())["reason"] == "upstream_truncated"


@pytest.mark.parametrize(("path", "model"), [(CHAT, "claude-test"), (MESSAGES, "gpt-test")])
async def test_a_refusal_by_the_provider_is_told_in_the_clients_words(house: House, path, model):
    body = speech.message_error("prompt is too long: 9 tokens", "invalid_request_error")
    if path == MESSAGES:
        body = speech.chat_error("prompt is too long: 9 tokens", "invalid_request_error")
    house.chaos.next(whole(body, status=400))
    response = await house.client.post(path, json=asked(model, max_tokens=9))
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["message"] == "prompt is too long: 9 tokens"
    assert error["type"] == "invalid_request_error"


async def test_what_of_an_answer_could_not_be_said_is_kept_in_the_books(house: House):
    house.chaos.next(whole(speech.message_body(stop_reason="pause_turn")))
    assert (await house.chat("claude-test")).status_code == 200
    [[path, reason]] = (await house.record())["losses"]
    assert path == "answer.stop_reason"
    assert "pause_turn" in reason


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
async def test_where_the_provider_does_not_count_the_client_is_told_what_is_recorded(
    house: House, messages, streaming
):
    body, events = speech.chat_body(usage=None), speech.chat_events(usage=None)
    house.chaos.next(stream(events) if streaming else whole(body))
    hello = [{"role": "user", "content": "Hello there."}]
    ask = {"model": "gpt-test", "max_tokens": 99, "messages": hello}
    if streaming:
        async with messages.stream(**ask) as answer:
            usage = (await answer.get_final_message()).usage
    else:
        usage = (await messages.create(**ask)).usage
    record = await house.record()
    assert record["usage_source"] == "estimated"
    assert usage.output_tokens > 0
    assert (usage.input_tokens, usage.output_tokens) == (
        record["input_tokens"],
        record["output_tokens"],
    )


async def test_a_chat_client_is_told_the_same(house: House):
    events = [event for event in speech.message_events() if b"message_delta" not in event]
    start = events[0].replace(b'"input_tokens":11', b'"input_tokens":0')
    start = start.replace(b'"output_tokens":1', b'"output_tokens":0')
    stop = speech.event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})
    house.chaos.next(stream([start, *events[1:-1], stop, events[-1]]))
    options = {"include_usage": True}
    response = await house.chat("claude-test", stream=True, stream_options=options)
    record = await house.record()
    assert record["usage_source"] == "estimated"
    assert b'"completion_tokens":%d' % record["output_tokens"] in response.content
    assert b'"prompt_tokens":%d' % record["input_tokens"] in response.content
    assert record["output_tokens"] > 0
