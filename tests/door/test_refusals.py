"""What bad input gets: JSON in the client's own format, with an id and a sentence that helps."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.chaos import Hold, speech, whole
from tests.house import CHAT, MESSAGES, House, asked
from tests.rawclient import Answer, post, request
from usage.keys import make_key

MODELS = {CHAT: "gpt-test", MESSAGES: "claude-test"}
UUID_LENGTH = 36


def check_shape(answer: Answer, path: str, status: int, kind: str) -> str:
    """Assert that a refusal is of the path's format, and give its sentence."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    identifier = answer.headers["x-request-id"]
    assert len(identifier) == UUID_LENGTH
    said: dict[str, Any] = answer.json
    if path.startswith(MESSAGES):
        assert said["type"] == "error"
        assert said["request_id"] == identifier
        assert set(said["error"]) == {"type", "message"}
    else:
        assert set(said) == {"error"}
        assert set(said["error"]) == {"message", "type", "param", "code"}
    assert said["error"]["type"] == kind
    message: str = said["error"]["message"]
    assert len(message) > 10
    return message


def nested(depth: int) -> bytes:
    return b'{"model":"gpt-test","messages":' + b"[" * depth + b"]" * depth + b"}"


BODIES = {
    "nothing": (b"", "empty"),
    "no json": (b"hello", "not JSON"),
    "cut json": (b'{"model":"gpt-test","messages":[', "not JSON"),
    "a list": (b"[1,2]", "JSON object"),
    "a string": (b'"hello"', "JSON object"),
    "nested 100,000 deep": (nested(100_000), "deep"),
    "not utf-8": (b'{"model":"gpt-test","messages":[],"x":"\xff\xfe"}', "UTF-8"),
    "a NaN": (b'{"model":"gpt-test","messages":[],"temperature":NaN}', "not JSON"),
    "an infinity": (b'{"model":"gpt-test","messages":[],"temperature":-Infinity}', "not JSON"),
    "two values": (b"{} {}", "not JSON"),
    "model missing": (b'{"messages":[]}', "`model`"),
    "model a number": (b'{"model":1,"messages":[]}', "`model`"),
    "model null": (b'{"model":null,"messages":[]}', "`model`"),
    "model empty": (b'{"model":"","messages":[]}', "`model`"),
    "model unprintable": (b'{"model":"a\\u0000b","messages":[]}', "`model`"),
    "model very long": (b'{"model":"' + b"m" * 201 + b'","messages":[]}', "`model`"),
    "messages missing": (b'{"model":"gpt-test"}', "`messages`"),
    "half of a surrogate pair": (rb'{"model":"gpt-test","messages":[],"x":"\ud83d"}', "surrogate"),
    "the other half": (rb'{"model":"gpt-test","messages":[],"x":"\\\\\uDE00z"}', "surrogate"),
    "halves in a wrong order": (rb'{"messages":[],"x":"\ude00\ud83d"}', "surrogate"),
    "a byte order mark": (b'\xef\xbb\xbf{"model":"gpt-test","messages":[]}', "byte order mark"),
    "messages a string": (b'{"model":"gpt-test","messages":"hi"}', "`messages` must be an array"),
    "messages an object": (b'{"model":"gpt-test","messages":{}}', "`messages` must be an array"),
    "messages null": (b'{"model":"gpt-test","messages":null}', "`messages` must be an array"),
    "tools an object": (b'{"model":"gpt-test","messages":[],"tools":{}}', "`tools` must be"),
    "max_tokens a string": (
        b'{"model":"gpt-test","messages":[],"max_tokens":"9"}',
        "`max_tokens` must be a number",
    ),
    "max_completion_tokens true": (
        b'{"model":"gpt-test","messages":[],"max_completion_tokens":true}',
        "`max_completion_tokens` must be a number",
    ),
    "stream a string": (b'{"model":"gpt-test","messages":[],"stream":"yes"}', "`stream`"),
}


@pytest.mark.parametrize("path", MODELS)
@pytest.mark.parametrize(("body", "word"), BODIES.values(), ids=BODIES)
async def test_a_body_that_cannot_be_used_is_a_400_that_says_why(house: House, path, body, word):
    answer = await house.say(post(path, body, house.key))
    message = check_shape(answer, path, 400, "invalid_request_error")
    assert word in message
    assert message[0] in "`ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert message.endswith(".")
    record = await house.record()
    assert (record["outcome"], record["reason"]) == ("refused", "bad_request")
    assert record["cost_nano"] == 0


async def test_a_member_that_is_null_is_left_to_the_provider(house: House):
    house.chaos.next(whole(speech.chat_body()))
    assert (await house.chat(tools=None, max_tokens=None)).status_code == 200


async def test_the_member_at_fault_is_named(house: House):
    answer = await house.say(post(CHAT, b'{"model":"gpt-test"}', house.key))
    assert answer.json["error"]["param"] == "messages"


@pytest.mark.parametrize("path", MODELS)
async def test_an_unknown_model_is_a_404(house: House, path):
    answer = await house.say(post(path, speech.compact(asked("nonesuch")), house.key))
    kind = "not_found_error" if path == MESSAGES else "invalid_request_error"
    assert "nonesuch" in check_shape(answer, path, 404, kind)
    assert (await house.record())["reason"] == "unknown_model"


@pytest.mark.parametrize("path", MODELS)
async def test_a_model_that_the_key_may_not_use_is_a_403(opening, path):
    key = make_key()
    keys = [{"name": "alice", "secret": key, "models": ["o3", "claude-haiku-*"]}]
    async with opening({"client_keys": keys}, key=key) as house:
        answer = await house.say(post(path, speech.compact(asked(MODELS[path])), house.key))
        kind = "permission_error" if path == MESSAGES else "permission_denied"
        assert MODELS[path] in check_shape(answer, path, 403, kind)
        assert (await house.record())["reason"] == "forbidden_model"
        assert not house.chaos.requests


@pytest.mark.parametrize("path", MODELS)
async def test_a_body_that_announces_too_much_is_a_413_unread(opening, path):
    async with opening(MAX_BODY_BYTES=2000) as house:
        announced = {"content-length": "3000"}
        answer = await house.say(post(path, b"{", house.key, announced))
        kind = "request_too_large" if path == MESSAGES else "invalid_request_error"
        assert "2000" in check_shape(answer, path, 413, kind)
        assert answer.headers["connection"] == "close"
        assert (await house.record())["reason"] == "too_large"


async def test_a_body_in_chunks_is_counted_as_it_comes(opening):
    async with opening(MAX_BODY_BYTES=2000) as house:
        head = request("POST", CHAT, {"host": "x", "transfer-encoding": "chunked"} | bearer(house))
        chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
        answer = await house.say(head + chunk * 3)
        check_shape(answer, CHAT, 413, "invalid_request_error")


async def test_more_bodies_than_the_worker_holds_are_a_503(opening):
    async with opening(BODY_BUDGET_BYTES=3000) as house:
        waiting = await house.connect()
        body = speech.compact(asked("gpt-test", padding="x" * 2500))
        await waiting.send(post(CHAT, body, house.key)[:-10])
        await asyncio.sleep(0.05)
        answer = await house.say(post(CHAT, body, house.key))
        check_shape(answer, CHAT, 503, "server_error")
        assert answer.headers["retry-after"] == "1"
        waiting.leave()


@pytest.mark.parametrize("path", MODELS)
async def test_a_body_that_never_comes_is_a_408(opening, path):
    async with opening(BODY_IDLE_SECONDS=0.15) as house:
        body = speech.compact(asked(MODELS[path]))
        answer = await house.say(post(path, body, house.key)[:-5])
        kind = "timeout_error" if path == MESSAGES else "timeout"
        check_shape(answer, path, 408, kind)
        assert answer.headers["connection"] == "close"
        assert (await house.record())["reason"] == "body_timeout"


async def test_a_body_that_drips_for_ever_is_a_408_too(opening):
    async with opening(BODY_IDLE_SECONDS=0.2, BODY_TOTAL_SECONDS=0.3) as house:
        client = await house.connect()
        content = post(CHAT, b"{" + b" " * 100, house.key)
        await client.send(content[:-100])
        dripping = asyncio.create_task(drip(client, content[-100:]))
        answer = await client.answer()
        dripping.cancel()
        check_shape(answer, CHAT, 408, "timeout")
        client.leave()


async def drip(client, content: bytes) -> None:
    for byte in content:
        await client.send(bytes([byte]))
        await asyncio.sleep(0.02)


async def test_a_compressed_body_is_a_415(house: House):
    answer = await house.say(post(CHAT, b"\x1f\x8b", house.key, {"content-encoding": "gzip"}))
    check_shape(answer, CHAT, 415, "invalid_request_error")


async def test_a_worker_with_its_hands_full_is_a_503_at_once(opening):
    async with opening(MAX_IN_FLIGHT=1) as house:
        gate = asyncio.Event()
        house.chaos.next([Hold(gate), *whole(speech.chat_body())])
        first = asyncio.create_task(house.chat())
        await house.seen()
        for path in MODELS:
            answer = await house.say(post(path, speech.compact(asked(MODELS[path])), house.key))
            status, kind = (529, "overloaded_error") if path == MESSAGES else (503, "server_error")
            check_shape(answer, path, status, kind)
            assert answer.headers["retry-after"] == "1"
        gate.set()
        assert (await first).status_code == 200


@pytest.mark.parametrize(
    ("path", "anthropic"),
    [("/v1/nothing", False), ("/v1/messages/nothing", True), ("/v1/", False), ("/v1/%00", False)],
)
async def test_an_unknown_path_is_a_404_in_the_format_that_it_implies(house, path, anthropic):
    answer = await house.say(post(path, b"{}", house.key))
    kind = "not_found_error" if anthropic else "invalid_request_error"
    check_shape(answer, path, 404, kind)


async def test_anthropic_s_version_header_implies_its_format_on_any_path(house: House):
    head = request("GET", "/v1/nothing", {"host": "x", "anthropic-version": "2023-06-01"})
    answer = await house.say(head)
    assert answer.json["type"] == "error"
    assert answer.json["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("path", [*MODELS, "/v1/messages/count_tokens"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_a_wrong_method_is_a_405_that_says_which_are_right(house: House, path, method):
    answer = await house.say(request(method, path, {"host": "x"}))
    check_shape(answer, path, 405, "invalid_request_error")
    assert "POST" in answer.headers["allow"]


async def test_a_flood_of_refusals_is_recorded_ten_times_a_second_at_most(house: House):
    for _ in range(30):
        await house.say(post(CHAT, b"[]", house.key))
    assert 10 <= len(await house.records()) <= 25


def bearer(house: House) -> dict[str, str]:
    return {"authorization": f"Bearer {house.key}"}


def test_every_table_of_bad_bodies_is_worth_its_name():
    """The bodies that are said to be no JSON are none; those of wrong types are."""
    for name, (body, word) in BODIES.items():
        if word == "not JSON" and "NaN" not in name and "infinity" not in name:
            with pytest.raises(ValueError):
                json.loads(body)
