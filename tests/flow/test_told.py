"""What operators are told of each request: one log line and the metrics, in the same words as the books."""

from __future__ import annotations

import json

import pytest
from prometheus_client import REGISTRY

from tests.chaos import Stall, speech, stream, whole
from tests.house import CHAT, House
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
        await house.say(request("POST", CHAT, {"host": "x", "content-length": "0"}))
        await house.settled()
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    requests = [said for line in lines if (said := json.loads(line))["event"] == "request"]
    [said] = requests
    assert said["id"] == response.headers["x-request-id"]
    assert (said["outcome"], said["reason"], said["status"]) == ("completed", "ok", 200)
    assert (said["key"], said["provider"], said["model"]) == ("alice", "openai", "gpt-test")
    [refused] = [json.loads(line) for line in lines if '"refused"' in line]
    assert refused["reason"] == "unauthenticated"


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
