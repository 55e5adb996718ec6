"""Client and provider speak alike: the client's own bytes go out, and the provider's come back."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos import Data, Head, Hold, pieces, speech, stream, whole
from tests.house import ANTHROPIC_SECRET, CHAT, MESSAGES, OPENAI_SECRET, House, asked
from tests.rawclient import post

PATHS = {CHAT: "gpt-test", MESSAGES: "claude-test"}
BODIES = {CHAT: speech.chat_body(), MESSAGES: speech.message_body()}
STREAMS = {
    CHAT: speech.chat_events(usage=None),
    MESSAGES: speech.message_events(thinking="Let me see."),
}


@pytest.mark.parametrize("path", PATHS)
async def test_an_answer_comes_back_byte_for_byte(house: House, path):
    body = BODIES[path][:-1] + b' , "unknown" : 1e-7 }'
    house.chaos.next(whole(body))
    response = await house.client.post(path, json=asked(PATHS[path], max_tokens=10))
    assert response.status_code == 200
    assert response.content == body
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"] == str((await house.record())["exchange_id"])


@pytest.mark.parametrize("path", PATHS)
async def test_a_stream_comes_back_byte_for_byte(house: House, path):
    house.chaos.next(stream(STREAMS[path], pause=0.001))
    response = await house.client.post(path, json=asked(PATHS[path], stream=True))
    assert response.content == b"".join(STREAMS[path])
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "x-request-id" in response.headers
    assert response.headers["x-accel-buffering"] == "no"


CALLS = [("call_1", "weather", {"city": "Zürich", "days": [1, 2]}), ("call_2", "time", {})]


@pytest.mark.parametrize("path", PATHS)
async def test_tool_calls_come_back_byte_for_byte(house: House, path):
    events = {
        CHAT: speech.chat_events(usage=None, calls=CALLS),
        MESSAGES: speech.message_events(calls=CALLS),
    }[path]
    bodies = {
        CHAT: speech.chat_body(calls=CALLS, error=None),
        MESSAGES: speech.message_body(calls=CALLS, thinking="Hm."),
    }
    house.chaos.next(stream(events), whole(bodies[path]))
    streamed = await house.client.post(path, json=asked(PATHS[path], stream=True))
    complete = await house.client.post(path, json=asked(PATHS[path]))
    assert streamed.content == b"".join(events)
    assert complete.content == bodies[path]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", [1, 7, 100])
async def test_it_does_not_matter_where_the_network_cuts_a_stream(house: House, path, size):
    sent = b"".join(STREAMS[path]).replace(b"scripted", "großen 🙂".encode())
    head = Head(headers={"content-type": "text/event-stream"})
    house.chaos.next([head, *pieces(sent, size, pause=0)])
    response = await house.client.post(path, json=asked(PATHS[path], stream=True))
    assert response.content == sent


@pytest.mark.parametrize("end", [b"\r\n", b"\r"], ids=["CRLF", "CR"])
async def test_other_line_ends_and_comments_are_the_provider_s_own(house: House, end):
    sent = b": keep-alive\n\n" + b"".join(STREAMS[CHAT])
    sent = sent.replace(b"\n", end)
    house.chaos.next(stream([sent]))
    response = await house.chat(stream=True)
    assert response.content == sent
    assert (await house.record())["outcome"] == "completed"


async def test_unknown_members_and_exact_numbers_reach_the_provider(house: House):
    body = (
        b'{"model":"gpt-test","messages":[{"role":"user","content":"\\u00e9\\ud83d\\ude42"}],'
        b'"temperature":0.70,"top_p":1e-7,"seed":12345678901234567890,'
        b'"x_unknown":{"b":1,"a":[1.0,2.50]},"stream":false}'
    )
    answer = await house.say(post(CHAT, body, house.key))
    assert answer.status == 200
    assert (await house.seen()).body == body
    assert "x-patchbay-edits" not in answer.headers


async def test_of_duplicate_members_the_last_is_judged_and_sent_on_alone(house: House):
    body = b'{"model":"secret","messages":[],"model":"gpt-test"}'
    answer = await house.say(post(CHAT, body, house.key))
    assert answer.status == 200
    sent = (await house.seen()).body
    assert sent.count(b'"model"') == 1
    assert b"secret" not in sent


async def test_only_allowed_headers_reach_the_provider_and_its_own_key_goes_with_them(house: House):
    passed = {
        "anthropic-beta": "tools-2024-05-16,another",
        "anthropic-version": "2023-06-01",
        "openai-organization": "org-1",
    }
    kept = {
        "cookie": "session=1",
        "x-forwarded-for": "10.0.0.1",
        "x-api-key": "sk-mine",
        "x-stainless-lang": "python",
        "connection": "keep-alive, x-secret",
        "x-secret": "1",
        "proxy-authorization": "Basic eDp5",
    }
    body = speech.compact(asked("claude-test", max_tokens=5))
    await house.say(post(MESSAGES, body, house.key, {**passed, **kept}))
    seen = (await house.seen()).headers
    assert {name: seen.get(name) for name in passed} == passed
    assert set(seen) - set(passed) == {
        "host",
        "content-type",
        "content-length",
        "accept",
        "accept-encoding",
        "user-agent",
        "x-api-key",
        "x-request-id",
    }
    assert seen["x-api-key"] == ANTHROPIC_SECRET
    assert house.key not in str(seen)


async def test_the_openai_key_goes_as_a_bearer(house: House):
    await house.chat()
    assert (await house.seen()).headers["authorization"] == f"Bearer {OPENAI_SECRET}"


async def test_a_provider_s_headers_stay_behind(house: House):
    headers = {"set-cookie": "a=1", "openai-organization": "org-ours", "server": "provider"}
    house.chaos.next(whole(speech.chat_body(), headers=headers))
    response = await house.chat()
    assert not set(headers) & set(response.headers)


async def test_usage_is_asked_for_and_its_event_kept_from_a_client_that_did_not_ask(house: House):
    response = await house.chat(stream=True)
    assert (await house.seen()).json["stream_options"] == {"include_usage": True}
    assert b'"usage"' not in response.content
    assert response.content.endswith(speech.DONE)
    assert response.headers["x-patchbay-edits"] == "stream_options.include_usage"
    record = await house.record()
    assert (record["input_tokens"], record["output_tokens"]) == (11, 7)
    assert record["usage_source"] == "provider"
    assert record["edits"] == ["stream_options.include_usage"]


async def test_a_client_that_asked_for_usage_gets_it_and_nothing_was_edited(house: House):
    options = {"include_usage": True, "include_obfuscation": False}
    response = await house.chat(stream=True, stream_options=options)
    assert (await house.seen()).json["stream_options"] == options
    assert response.content == b"".join(speech.chat_events())
    assert "x-patchbay-edits" not in response.headers


async def test_a_stream_is_recorded_with_its_cost(house: House):
    await house.message(stream=True)
    record = await house.record()
    assert (record["outcome"], record["reason"], record["status"]) == ("completed", "ok", 200)
    assert (record["input_tokens"], record["output_tokens"]) == (11, 7)
    assert record["cost_nano"] == 11 * 1000 + 7 * 2000
    assert record["stream"] is True
    assert record["client_format"] == record["upstream_format"] == "anthropic.messages"
    assert record["original_model"] == record["request_model"] == "claude-test"
    assert record["client_key_name"] == "alice"
    assert record["rule_name"] == "claude"
    assert record["credential_label"] == "main"
    assert 0 < record["first_content_ms"] <= record["total_ms"]


async def test_an_answer_without_usage_is_estimated_and_says_so(house: House):
    house.chaos.next(whole(speech.chat_body(usage=None)))
    await house.chat()
    record = await house.record()
    assert record["usage_source"] == "estimated"
    assert record["input_tokens"] > 0
    assert record["output_tokens"] > 0


@pytest.mark.parametrize(
    ("path", "said", "kept"),
    [
        (CHAT, {"user": "u-1"}, "u-1"),
        (CHAT, {"user": "u-1", "safety_identifier": "s-1"}, "s-1"),
        (CHAT, {"user": 7}, ""),
        (MESSAGES, {"metadata": {"user_id": "u-2"}}, "u-2"),
        (MESSAGES, {"metadata": []}, ""),
        (CHAT, {"user": "x" * 500}, "x" * 200),
    ],
)
async def test_who_is_behind_a_request_is_in_the_books(house: House, path, said, kept):
    model = "gpt-test" if path == CHAT else "claude-test"
    body = speech.compact(asked(model, max_tokens=50, **said))
    await house.say(post(path, body, house.key))
    assert (await house.record())["end_user"] == kept


async def test_what_the_client_calls_its_request_is_kept(house: House):
    headers = {"x-request-id": "mine-1", "x-session-id": "session-1"}
    response = await house.client.post(CHAT, json=asked("gpt-test"), headers=headers)
    record = await house.record()
    assert (record["client_request_id"], record["session"]) == ("mine-1", "session-1")
    assert response.headers["x-request-id"] != "mine-1"


async def test_the_first_event_is_not_held_back_for_the_next(house: House):
    """A token reaches the client while the provider still thinks about the following one."""
    gate = asyncio.Event()
    events = speech.chat_events(usage=None)
    steps = stream(events[:2])
    house.chaos.next([*steps, Hold(gate), *map(Data, events[2:])])
    client = await house.open_stream()
    assert b"Hello" in await client.until(b"Hello")
    gate.set()
    await client.until(b"[DONE]")
    client.leave()


async def test_a_model_can_be_renamed_on_its_way(opening):
    target = {"provider": "openai", "model": "gpt-4o-2024-08-06", "tier": 1, "weight": 100}
    rules = [{"name": "alias", "match": {"model": "fast"}, "targets": [target]}]
    async with opening({"rules": rules}) as house:
        response = await house.chat("fast")
        assert (await house.seen()).model == "gpt-4o-2024-08-06"
        assert response.headers["x-patchbay-edits"] == "model"
        record = await house.record()
    assert record["original_model"] == "fast"
    assert record["request_model"] == record["response_model"] == "gpt-4o-2024-08-06"


async def test_two_requests_on_one_connection_share_the_upstream_s_too(house: House):
    await house.chat()
    await house.chat()
    assert house.chaos.accepted == 1


UNUSUAL = {
    CHAT: [
        b'data: {"choices":[{"delta":{"content":"Hello"},"index":"one"}],"id":[1]}\n\n',
        b'data: {"choices":[{"delta":{"content":{"parts":["x"]}}}]}\n\n',
        b"data: [DONE]\n\n",
    ],
    MESSAGES: [
        b'event: message_start\ndata: {"type":"message_start","message":{"usage":"none"}}\n\n',
        b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":[1]}}\n\n',
        b'event: nonesuch\ndata: {"type":["nonesuch"]}\n\n',
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ],
}


@pytest.mark.parametrize("path", PATHS)
async def test_events_of_unusual_types_pass_as_they_are(house: House, path):
    """What is JSON is the provider's to say; only what is none is left out."""
    house.chaos.next(stream(UNUSUAL[path]))
    response = await house.client.post(path, json=asked(PATHS[path], stream=True))
    assert response.content == b"".join(UNUSUAL[path])
    record = await house.record()
    assert record["outcome"] == "completed"
    assert record["usage_source"] in ("observed", "estimated")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, b'{"id":1,"choices":[{"message":{"content":{"x":1}}}],"usage":"none"}'),
        (MESSAGES, b'{"id":1,"type":"message","content":"plain","usage":{"input_tokens":1.5}}'),
    ],
)
async def test_an_answer_of_unusual_types_passes_as_it_is(house: House, path, body):
    house.chaos.next(whole(body))
    response = await house.client.post(path, json=asked(PATHS[path]))
    assert response.content == body
    assert (await house.record())["outcome"] == "completed"
