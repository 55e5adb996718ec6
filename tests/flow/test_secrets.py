"""A provider's secret never leaves: not in an answer, a header, a log line, a metric or a record."""

from __future__ import annotations

import json

import pytest
from prometheus_client import REGISTRY, generate_latest

from tests.chaos import Data, speech, stream, whole
from tests.house import ANTHROPIC_SECRET, CHAT, MESSAGES, OPENAI_SECRET, House, asked

SECRETS = {CHAT: OPENAI_SECRET, MESSAGES: ANTHROPIC_SECRET}
MODELS = {CHAT: "gpt-test", MESSAGES: "claude-test"}
LEAKING = {"www-authenticate": "Bearer {secret}", "x-debug": "{secret}"}


def fault(path: str, message: str) -> bytes:
    return speech.chat_error(message) if path == CHAT else speech.message_error(message)


@pytest.mark.parametrize("path", MODELS)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 429, 500, 503, 529])
async def test_an_error_that_repeats_the_secret_comes_without_it(
    house: House, path, status, capfd, caplog
):
    caplog.set_level("DEBUG")
    secret = SECRETS[path]
    headers = {name: value.format(secret=secret) for name, value in LEAKING.items()}
    said = fault(path, f"Incorrect API key provided: {secret}.")
    house.chaos.next(whole(said, status, headers))
    response = await house.client.post(path, json=asked(MODELS[path]))
    records = json.dumps(await house.records(), default=str)
    metrics = generate_latest(REGISTRY).decode()
    told = response.text + str(dict(response.headers)) + records + metrics + caplog.text
    assert secret not in told
    assert secret not in "".join(capfd.readouterr())


@pytest.mark.parametrize("path", MODELS)
@pytest.mark.parametrize("begun", [0, 6], ids=["before content", "after content"])
async def test_an_error_event_that_repeats_the_secret_comes_without_it(house, path, begun):
    events = speech.chat_events() if path == CHAT else speech.message_events()
    said = fault(path, f"key {SECRETS[path]} is over its limit")
    event = b"event: error\ndata: " + said + b"\n\n"
    house.chaos.next(stream([*events[:begun], event]))
    response = await house.client.post(path, json=asked(MODELS[path], stream=True))
    assert "is over its limit" in response.text
    assert SECRETS[path] not in response.text


@pytest.mark.parametrize("status", [401, 403, 407])
async def test_a_provider_s_refusal_of_our_key_is_never_the_client_s_401(house: House, status):
    house.chaos.next(whole(speech.chat_error("Invalid key", code="invalid_api_key"), status))
    response = await house.chat()
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "upstream_auth"
    assert "Invalid key" not in response.text


UNPAID = {
    CHAT: (429, speech.chat_error("Check your billing details.", code="insufficient_quota")),
    MESSAGES: (
        400,
        speech.message_error("Your credit balance is too low.", "invalid_request_error"),
    ),
}


@pytest.mark.parametrize("path", MODELS)
async def test_a_bill_that_the_operator_has_not_paid_is_not_the_client_s(house: House, path):
    status, said = UNPAID[path]
    house.chaos.next(whole(said, status))
    response = await house.client.post(path, json=asked(MODELS[path]))
    assert response.status_code == 502
    assert "credential" in response.json()["error"]["message"]
    assert (await house.record())["reason"] == "upstream_auth"


@pytest.mark.parametrize("status", [200, 400, 403, 500, 502])
async def test_a_page_of_html_is_never_passed_on(house: House, status):
    page = b"<html><title>nginx</title><body>internal-host-17</body></html>"
    house.chaos.next(whole(page, status, {"content-type": "text/html"}))
    response = await house.chat()
    assert response.headers["content-type"] == "application/json"
    assert "internal-host" not in response.text
    assert "error" in response.json()


async def test_a_redirect_is_not_followed_and_its_place_not_told(house: House):
    elsewhere = f"{house.chaos.url}/elsewhere"
    house.chaos.next(whole(b"", 307, {"location": elsewhere}))
    response = await house.chat()
    assert response.status_code == 502
    assert "location" not in response.headers
    assert len(house.chaos.requests) == 1


async def test_a_client_s_key_is_in_no_log_line(house: House, capfd):
    await house.chat()
    await house.client.post(CHAT, content=b"[]")
    await house.settled()
    assert house.key not in "".join(capfd.readouterr())


async def test_an_event_of_a_stream_is_not_searched_but_passes_as_it_is(house: House):
    """Content is the model's; only errors are the provider's words about us."""
    events = [*speech.chat_events(usage=None)[:3], speech.chat_chunk({}, "stop"), speech.DONE]
    house.chaos.next(stream(events[:1], then=[Data(event) for event in events[1:]]))
    response = await house.chat(stream=True)
    assert response.content == b"".join(events)
