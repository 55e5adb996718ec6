"""Which models a key is told of, and how many tokens a prompt has."""

from __future__ import annotations

import pytest

from tests.chaos import Cut, Step, speech, whole
from tests.door.test_refusals import check_shape
from tests.house import ANTHROPIC_SECRET, OPENAI_SECRET, House, asked, provider, rule
from tests.rawclient import post, request
from usage.keys import make_key

COUNT = "/v1/messages/count_tokens"
ANTHROPIC = {"anthropic-version": "2023-06-01"}
KEYS = {name: make_key() for name in ("alice", "bob")}


@pytest.fixture
async def shop(opening, chaos):
    """A house with named models: an alias, named Deployments behind a glob, and one for bob alone."""
    providers = [
        provider("openai", chaos.openai_url, OPENAI_SECRET, models=("*", "gpt-4o", "o3")),
        provider("anthropic", chaos.url, ANTHROPIC_SECRET, models=("claude-x",)),
    ]
    target = {"provider": "anthropic", "model": "claude-x", "tier": 1, "weight": 1}
    secret = rule("secret", "secret-model", ["openai"])
    secret["match"]["client_keys"] = ["bob"]
    rules = [
        rule("gpt", "gpt-*", ["openai"]),
        {"name": "alias", "match": {"model": "smart"}, "targets": [target]},
        secret,
    ]
    keys = [
        {"name": "alice", "secret": KEYS["alice"]},
        {"name": "bob", "secret": KEYS["bob"], "models": ["smart", "secret-*", "gpt-*"]},
    ]
    changed = {"providers": providers, "rules": rules, "client_keys": keys}
    async with opening(changed, key=KEYS["alice"]) as house:
        yield house


async def get(house: House, path: str, who: str = "alice", **headers: str):
    head = {"host": "x", "authorization": f"Bearer {KEYS[who]}", **headers}
    return await house.say(request("GET", path, head))


async def names(house: House, who: str) -> list[str]:
    answer = await get(house, "/v1/models", who)
    return [model["id"] for model in answer.json["data"]]


async def test_names_are_listed_that_a_rule_lets_the_key_reach_never_patterns(shop: House):
    assert await names(shop, "alice") == ["gpt-4o", "smart"]
    assert "secret-model" in await names(shop, "bob")


async def test_a_model_that_only_a_pattern_takes_is_said_to_be_served(shop: House):
    for name, code in [("gpt-5-mini", "model_not_listed"), ("nonesuch", "model_not_found")]:
        answer = await get(shop, f"/v1/models/{name}")
        assert (answer.status, answer.json["error"]["code"]) == (404, code)
    answer = await get(shop, "/v1/models/secret-model")
    assert answer.json["error"]["code"] == "model_not_found"


async def test_the_key_s_own_models_narrow_the_list(shop: House):
    assert set(await names(shop, "bob")) == {"gpt-4o", "secret-model", "smart"}


async def test_the_list_has_openai_s_shape(shop: House):
    answer = await get(shop, "/v1/models")
    assert answer.status == 200
    assert answer.json["object"] == "list"
    model = next(model for model in answer.json["data"] if model["id"] == "gpt-4o")
    assert model == {"id": "gpt-4o", "object": "model", "created": 0, "owned_by": "openai"}
    assert "x-request-id" in answer.headers


async def test_the_list_has_anthropic_s_shape_where_its_version_is_sent(shop: House):
    answer = await get(shop, "/v1/models", **ANTHROPIC)
    said = answer.json
    listed = [model["id"] for model in said["data"]]
    assert said["has_more"] is False
    assert (said["first_id"], said["last_id"]) == (listed[0], listed[-1])
    assert {model["type"] for model in said["data"]} == {"model"}


async def test_one_model_is_shown_by_its_name(shop: House):
    answer = await get(shop, "/v1/models/gpt-4o")
    assert answer.json["id"] == "gpt-4o"
    answer = await get(shop, "/v1/models/gpt-4o", **ANTHROPIC)
    assert (answer.json["type"], answer.json["display_name"]) == ("model", "gpt-4o")


@pytest.mark.parametrize("name", ["nonesuch", "secret-model", "gpt-5", "a/b%2Fc"])
async def test_a_model_that_is_not_listed_is_a_404(shop: House, name):
    check_shape(await get(shop, f"/v1/models/{name}"), "/v1/models", 404, "invalid_request_error")


async def test_a_name_with_slashes_is_one_name(opening, chaos):
    slashed = [rule("slashed", "meta/llama-3/8b", ["openai"])]
    async with opening({"rules": slashed}, key=KEYS["alice"]) as house:
        for path in ("/v1/models/meta/llama-3/8b", "/v1/models/meta%2Fllama-3/8b"):
            assert (await get(house, path)).json["id"] == "meta/llama-3/8b"


async def test_tokens_are_counted_by_the_provider_where_it_can(house: House):
    body = speech.compact(asked("claude-test", unknown=1.50))
    answer = await house.say(post(COUNT, body, house.key))
    assert answer.json == {"input_tokens": 42}
    assert "x-patchbay-estimate" not in answer.headers
    seen = await house.seen()
    assert (seen.path, seen.body) == (COUNT, body)
    record = await house.record()
    assert (record["kind"], record["outcome"], record["cost_nano"]) == (
        "count_tokens",
        "completed",
        0,
    )


async def test_counting_tokens_is_a_request_that_costs_nothing(opening):
    quotas = [
        {"client_key": "alice", "metric": "requests", "window": "month", "amount": "1"},
        {"client_key": "alice", "metric": "cost", "window": "month", "amount": "0"},
    ]
    async with opening({"quotas": quotas}) as house:
        body = speech.compact(asked("claude-test"))
        answers = [await house.say(post(COUNT, body, house.key)) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 429]


async def test_tokens_are_estimated_where_it_cannot_and_the_answer_says_so(house: House):
    body = speech.compact(asked("gpt-test", padding="x" * 4000))
    answer = await house.say(post(COUNT, body, house.key))
    assert answer.status == 200
    assert 900 < answer.json["input_tokens"] < 1300
    assert answer.headers["x-patchbay-estimate"] == "input_tokens"
    assert not house.chaos.requests


UNCOUNTED: dict[str, tuple[list[Step], str]] = {
    "cut": ([Cut()], "connect"),
    "500": (whole(speech.message_error("down"), 500), "upstream_error"),
    "a page": (whole(b"<html>hello</html>"), "upstream_invalid"),
    "nothing": (whole(b""), "upstream_invalid"),
    "a list": (whole(b"[42]"), "upstream_invalid"),
    "another object": (whole(b'{"tokens":42}'), "upstream_invalid"),
    "a count in words": (whole(b'{"input_tokens":"42"}'), "upstream_invalid"),
    "half a count": (whole(b'{"input_tokens":4.5}'), "upstream_invalid"),
    "less than nothing": (whole(b'{"input_tokens":-1}'), "upstream_invalid"),
    "nested too deep": (
        whole(b'{"input_tokens":1,"x":' + b"[" * 10**5 + b"]" * 10**5 + b"}"),
        "upstream_invalid",
    ),
    "no such path": (whole(b"Not Found", 404), "upstream_refused"),
    "no such method": (whole(b'{"detail":"Method Not Allowed"}', 405), "upstream_refused"),
    "not made": (whole(b"", 501), "upstream_error"),
    "elsewhere": (whole(b"", 307, {"location": "/login"}), "upstream_invalid"),
}


@pytest.mark.parametrize(("script", "reason"), UNCOUNTED.values(), ids=UNCOUNTED)
async def test_what_a_provider_does_not_count_is_estimated_and_the_answer_says_so(
    house: House, script, reason
):
    """Many servers that speak Messages have no count; and what is no count is not passed on."""
    house.chaos.next(script)
    answer = await house.say(post(COUNT, speech.compact(asked("claude-test")), house.key))
    assert answer.status == 200
    assert set(answer.json) == {"input_tokens"}
    assert answer.headers["x-patchbay-estimate"] == "input_tokens"
    record = await house.record()
    assert record["outcome"] == "completed"
    assert [attempt["reason"] for attempt in record["attempts"]] == [reason]


async def test_a_prompt_that_the_provider_refuses_to_count_is_refused(house: House):
    house.chaos.next(whole(speech.message_error("bad tools", "invalid_request_error"), 400))
    answer = await house.say(post(COUNT, speech.compact(asked("claude-test")), house.key))
    assert (answer.status, answer.json["error"]["message"]) == (400, "bad tools")
