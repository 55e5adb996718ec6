"""What operators are told of each request: one log line and the metrics, in the same words as the books."""

from __future__ import annotations

import json

import pytest
from prometheus_client import REGISTRY

from tests.chaos import Stall, speech, stream, whole
from tests.house import CHAT, MESSAGES, House, asked
from tests.rawclient import request


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def ended(provider: str, model: str, outcome: str, reason: str) -> float:
    return metric(
        "patchbay_requests_total",
        client_format="openai.chat",
        provider=provider,
        model=model,
        outcome=outcome,
        reason=reason,
    )


WHOSE = {"client_format": "openai.chat", "provider": "openai", "model": "gpt-test"}


async def test_a_request_counts_its_end_its_tokens_its_cost_and_its_time(house: House):
    await house.chat()
    await house.chat(stream=True)
    await house.settled()
    assert ended("openai", "gpt-test", "completed", "ok") == 2
    assert metric("patchbay_tokens_total", direction="input", **WHOSE) == 22
    assert metric("patchbay_tokens_total", direction="output", **WHOSE) == 14
    assert metric("patchbay_cost_dollars_total", **WHOSE) == pytest.approx(2 * (11e-6 + 14e-6))
    assert metric("patchbay_request_seconds_count", **WHOSE) == 2
    assert metric("patchbay_first_content_seconds_count", **WHOSE) == 2
    assert metric("patchbay_attempts_total", provider="openai", reason="ok") == 2


async def test_failures_and_leavings_count_under_their_reasons(house: House):
    house.chaos.next(whole(speech.chat_error("down"), 500))
    await house.chat()
    house.chaos.next(stream(speech.chat_events()[:3], then=[Stall()]))
    client = await house.open_stream()
    await client.until(b"Hello")
    client.leave()
    await house.settled()
    assert ended("openai", "gpt-test", "failed", "upstream_error") == 1
    assert ended("openai", "gpt-test", "abandoned", "mid_stream") == 1
    assert metric("patchbay_attempts_total", provider="openai", reason="upstream_error") == 1


async def test_who_is_not_known_is_counted_without_labels_that_he_chose(house: House):
    await house.say(request("POST", CHAT, {"host": "x", "content-length": "0"}))
    assert ended("", "", "refused", "unauthenticated") == 1


async def test_a_model_that_does_not_exist_makes_no_label(house: House):
    for number in range(5):
        await house.chat(f"nonesuch-{number}")
    await house.settled()
    families = list(REGISTRY.collect())
    labels = {
        value
        for family in families
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert not {label for label in labels if label.startswith("nonesuch")}
    assert ended("", "", "refused", "unknown_model") == 5


async def test_a_request_has_one_log_line_with_the_id_that_the_client_got(opening, capfd):
    async with opening() as house:
        response = await house.chat()
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        named = {"x-request-id": "mine", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        await house.say(request("POST", CHAT, {"host": "x", "content-length": "0", **named}))
        await house.settled()
        record = await house.record()
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line[:1] == "{"]
    [said] = [line for line in lines if line["event"] == "request"]
    assert said["exchange_id"] == response.headers["x-request-id"]
    assert (said["client_key"], said["model"]) == ("alice", "gpt-test")
    for name in set(said) & set(record) - {"exchange_id", "attempts"}:
        assert said[name] == record[name], name
    [attempt] = said["attempts"]
    assert (attempt["provider"], attempt["status"], attempt["reason"]) == ("openai", 200, "ok")
    [refused] = [line for line in lines if line["event"] == "refused"]
    assert (refused["reason"], refused["status"]) == ("unauthenticated", 401)
    assert refused["client_format"] == "openai.chat"
    assert (refused["client_request_id"], refused["trace_id"]) == ("mine", trace)


async def test_the_log_line_has_what_the_client_calls_the_request_and_its_trace(opening, capfd):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"x-request-id": "mine-1", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    async with opening() as house:
        await house.client.post(CHAT, json=asked("gpt-test"), headers=headers)
        await house.client.post(CHAT, json=asked("gpt-test"), headers={"traceparent": "00-zz-1-1"})
        await house.settled()
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line[:1] == "{"]
    said = [line for line in lines if line["event"] == "request"]
    assert [line["client_request_id"] for line in said] == ["mine-1", ""]
    assert [line["trace_id"] for line in said] == [trace, ""]


async def test_what_a_client_chose_is_hidden_and_cut_in_the_log_line(opening, capfd):
    async with opening() as house:
        headers = {"x-request-id": f"my {house.key}"}
        body = asked(f"gpt-{house.key}\n{'x' * 5000}")
        await house.client.post(CHAT, json=body, headers=headers)
        await house.settled()
    out = capfd.readouterr().out
    [said] = [line for line in out.splitlines() if '"event":"request"' in line]
    assert house.key not in out
    assert "[hidden]" in json.loads(said)["client_request_id"]
    assert len(said) < 2000


@pytest.mark.parametrize("model", ["gpt-test", "claude-test"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_the_provider_gets_our_id_of_the_request_and_not_the_client_s(
    house: House, path, model
):
    headers = {"x-request-id": "mine-1"}
    body = asked(model, max_tokens=5)
    response = await house.client.post(path, json=body, headers=headers)
    told = (await house.seen()).headers["x-request-id"]
    assert told == response.headers["x-request-id"] == str((await house.record())["exchange_id"])


async def test_the_metrics_page_shows_them(house: House):
    await house.chat()
    await house.settled()
    response = await house.client.get("/metrics")
    assert response.status_code == 200
    assert "patchbay_requests_total{" in response.text
    assert "patchbay_in_flight" in response.text


async def test_the_client_paths_have_documents(house: House):
    assert (await house.client.get("/api/docs")).status_code == 200
    paths = (await house.client.get("/api/openapi.json")).json()["paths"]
    assert CHAT in paths
    assert "/v1/messages" in paths
