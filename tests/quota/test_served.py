"""Quotas at the front door: what is admitted, what a refusal says, and that nothing stays reserved."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from providers.wire.prompt import IMAGE_TOKENS
from tests.chaos import Hold, Stall, speech, stream, whole
from tests.door.test_refusals import check_shape
from tests.house import CHAT, MESSAGES, OPENAI_SECRET, House, asked, provider
from tests.rawclient import post
from usage.keys import make_key
from usage.quota import NANO

CAPS = frozenset({"max_tokens", "max_completion_tokens"})


def requests_a_minute(amount: int, **whose: str) -> dict[str, str]:
    whose = whose or {"client_key": "alice"}
    return {**whose, "metric": "requests", "window": "minute", "amount": str(amount)}


def dollars_a_month(amount: str, **whose: str) -> dict[str, str]:
    whose = whose or {"client_key": "alice"}
    return {**whose, "metric": "cost", "window": "month", "amount": amount}


def spent(house: House) -> int:
    return sum(counter.spent for counter in house.runtime.live.quotas._counters.values())


def reserved(house: House) -> int:
    return sum(counter.reserved for counter in house.runtime.live.quotas._counters.values())


@pytest.fixture
async def limited(opening):
    async with opening({"quotas": [requests_a_minute(2)]}) as house:
        yield house


@pytest.fixture
async def frugal(opening):
    """One cent a month, at 1 and 2 dollars for a million tokens."""
    async with opening({"quotas": [dollars_a_month("0.01")]}) as house:
        yield house


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_the_request_after_the_last_allowed_one_is_a_429(limited: House, path):
    body = speech.compact(asked("gpt-test" if path == CHAT else "claude-test"))
    answers = [await limited.say(post(path, body, limited.key)) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    message = check_shape(answers[2], path, 429, "rate_limit_error")
    assert "2 requests per minute for this key" in message
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60
    assert len(limited.chaos.requests) == 2
    record = (await limited.records())[2]
    assert (record["outcome"], record["reason"], record["cost_nano"]) == ("refused", "quota", 0)


async def test_exactly_as_many_are_admitted_at_once(opening):
    async with opening({"quotas": [requests_a_minute(7)]}) as house:
        responses = await asyncio.gather(*(house.chat() for _ in range(20)))
    assert sorted(response.status_code for response in responses) == [200] * 7 + [429] * 13


async def test_a_refused_request_consumes_nothing_and_a_failed_one_its_count(limited: House):
    await limited.client.post(CHAT, content=b"[]")
    await limited.chat("nonesuch")
    limited.chaos.next(whole(speech.chat_error("down"), 500))
    statuses = [(await limited.chat()).status_code for _ in range(3)]
    assert statuses == [502, 200, 429]


async def test_what_was_spent_is_the_truth_not_the_reservation(frugal: House):
    await frugal.chat(max_tokens=1000)
    assert spent(frugal) == (await frugal.record())["cost_nano"] == 11 * 1000 + 7 * 2000
    assert reserved(frugal) == 0


async def test_money_is_reserved_while_a_request_runs(frugal: House):
    gate = asyncio.Event()
    frugal.chaos.next([Hold(gate), *whole(speech.chat_body())])
    pending = asyncio.create_task(frugal.chat(max_tokens=1000))
    await frugal.seen()
    assert reserved(frugal) >= 1000 * 2000
    gate.set()
    await pending
    assert reserved(frugal) == 0


async def test_an_answer_is_capped_to_what_the_budget_pays_for(frugal: House):
    response = await frugal.chat(max_tokens=1_000_000)
    sent = (await frugal.seen()).json["max_tokens"]
    assert 4000 < sent < 5000
    assert response.headers["x-patchbay-edits"] == "max_tokens"


async def test_an_answer_without_a_cap_of_its_own_gets_one(frugal: House):
    await frugal.chat()
    assert (await frugal.seen()).json["max_tokens"] < 5000


async def test_a_budget_that_pays_for_the_longest_answer_sets_no_cap(opening):
    async with opening({"quotas": [dollars_a_month("5")]}) as house:
        response = await house.chat()
        assert not CAPS & (await house.seen()).json.keys()
        assert "x-patchbay-edits" not in response.headers


async def test_no_model_is_asked_for_more_than_it_can_give(opening, chaos):
    """The budget pays for less than the first model's longest answer and more than the second's."""
    changed = {
        "rules": [
            {
                "name": "r",
                "priority": 1,
                "match": {"model": "best"},
                "targets": [
                    {"provider": "openai", "model": model, "tier": tier}
                    for tier, model in enumerate(("gpt-5", "gpt-4o"), 1)
                ]
                + [{"provider": "anthropic", "model": "claude-3-5-haiku", "tier": 3}],
            }
        ],
        "quotas": [dollars_a_month("0.2")],
    }
    async with opening(changed) as house:
        for _ in range(2):
            house.chaos.next(whole(speech.chat_error("down"), 500))
        await house.chat("best")
        first, second, third = [seen.json for seen in house.chaos.requests]
    assert 90_000 < first["max_completion_tokens"] < 100_000
    assert second["max_tokens"] == 16_384
    assert third["max_tokens"] == 8192


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"max_tokens": 9000, "max_completion_tokens": 8000}, CAPS),
        ({"max_tokens": 9000, "max_completion_tokens": None}, {"max_tokens"}),
        ({"max_tokens": None}, {"max_tokens"}),
    ],
    ids=["both", "one", "null"],
)
async def test_every_cap_that_the_client_said_is_lowered(frugal: House, said, sent):
    await frugal.chat(**said)
    members = (await frugal.seen()).json
    caps = {name: members[name] for name in CAPS if members.get(name) is not None}
    assert caps.keys() == sent
    assert max(caps.values()) < 5000


@pytest.mark.parametrize("asked_for", [{}, {"max_tokens": 1_000_000}], ids=["uncapped", "capped"])
async def test_several_choices_share_what_the_budget_pays_for(frugal: House, asked_for):
    await frugal.chat(n=4, **asked_for)
    sent = (await frugal.seen()).json["max_tokens"]
    assert 1000 < sent <= 1250


async def test_a_budget_that_is_spent_is_a_429_that_sdks_do_not_retry(opening):
    async with opening({"quotas": [dollars_a_month("0.00002")]}) as house:
        house.chaos.next(whole(speech.chat_body()))
        body = speech.compact(asked("gpt-test", max_tokens=5000))
        answer = await house.say(post(CHAT, body, house.key))
        assert "budget" in check_shape(answer, CHAT, 429, "insufficient_quota")
        assert answer.json["error"]["code"] == "budget_exceeded"
        assert answer.headers["x-should-retry"] == "false"
        assert not house.chaos.requests


async def test_the_cap_holds_when_many_ask_at_once(opening):
    async with opening({"quotas": [dollars_a_month("0.001")]}) as house:
        usage = {"prompt_tokens": 20, "completion_tokens": 100}
        house.chaos.on("gpt-test", whole(speech.chat_body(usage=usage)))
        responses = await asyncio.gather(*(house.chat(max_tokens=100) for _ in range(40)))
        admitted = [response for response in responses if response.status_code == 200]
        assert 0 < len(admitted) < 40
        assert spent(house) == len(admitted) * (20 * 1000 + 100 * 2000)
        assert spent(house) <= NANO // 1000


@pytest.mark.parametrize("letters", [1_000, 1_000_000])
async def test_an_image_is_reserved_at_a_flat_figure(opening, letters):
    """At one dollar for a million tokens."""
    async with opening({"quotas": [dollars_a_month("0.01")]}) as house:
        gate = asyncio.Event()
        house.chaos.next([Hold(gate), *whole(speech.chat_body())])
        content = [{"type": "image_url", "image_url": {"url": "data:," + "A" * letters}}]
        messages = [{"role": "user", "content": content}]
        pending = asyncio.create_task(house.chat(messages=messages, max_tokens=100))
        await house.seen()
        assert IMAGE_TOKENS * 1000 < reserved(house) - 100 * 2000 < (IMAGE_TOKENS + 100) * 1000
        gate.set()
        assert (await pending).status_code == 200


@pytest.mark.parametrize("ending", ["500", "cut", "left"])
async def test_nothing_stays_reserved_however_a_request_ends(frugal: House, ending):
    events = speech.chat_events()[:3]
    scripts = {
        "500": whole(speech.chat_error("down"), 500),
        "cut": stream(events),
        "left": stream(events, then=[Stall()]),
    }
    frugal.chaos.next(scripts[ending])
    if ending == "left":
        client = await frugal.open_stream()
        await client.until(b"Hello")
        client.reset()
    else:
        await frugal.chat(stream=True, max_tokens=100)
    record = await frugal.record()
    assert reserved(frugal) == 0
    assert spent(frugal) == record["cost_nano"]
    assert (record["cost_nano"] > 0) is (ending != "500")


async def test_a_model_of_unknown_price_is_refused_under_a_budget(opening, chaos):
    unpriced = provider("openai_compatible", chaos.openai_url, OPENAI_SECRET, name="openai")
    unpriced["deployments"] = [{"model": "*"}]
    anthropic = provider("anthropic", chaos.url, "sk-ant-1234567890")
    changed = {"providers": [unpriced, anthropic], "quotas": [dollars_a_month("5")]}
    async with opening(changed) as house:
        response = await house.chat("gpt-nobody-prices-this")
        assert response.status_code == 429
        assert "no known price" in response.json()["error"]["message"]
        assert response.headers["x-should-retry"] == "false"


async def test_a_model_of_unknown_price_costs_an_unknown_sum_not_nothing(opening, chaos):
    unpriced = provider("openai_compatible", chaos.openai_url, OPENAI_SECRET, name="openai")
    unpriced["deployments"] = [{"model": "*"}]
    anthropic = provider("anthropic", chaos.url, "sk-ant-1234567890")
    async with opening({"providers": [unpriced, anthropic]}) as house:
        await house.chat("gpt-nobody-prices-this")
        record = await house.record()
    assert record["cost_nano"] is None
    assert record["input_tokens"] == 11


async def test_a_team_s_quota_holds_for_all_its_keys(opening):
    alice, bob = make_key(), make_key()
    keys = [
        {"name": name, "team": "research", "secret": key}
        for name, key in (("alice", alice), ("bob", bob))
    ]
    changed = {
        "teams": [{"name": "research"}],
        "client_keys": keys,
        "quotas": [requests_a_minute(1, team="research")],
    }
    async with opening(changed, key=alice) as house:
        body = speech.compact(asked("gpt-test"))
        statuses = [(await house.say(post(CHAT, body, key))).status for key in (alice, bob)]
    assert statuses == [200, 429]


async def test_a_budget_remembers_what_was_spent_before_a_restart(opening):
    changed, key = {"quotas": [dollars_a_month("0.01")]}, make_key()
    async with opening(changed, key=key) as house:
        await house.chat(max_tokens=10)
        cost = (await house.record())["cost_nano"]
    async with opening(changed, key=key) as house:
        await house.chat(max_tokens=10)
        assert spent(house) == 2 * cost


async def test_a_quota_that_is_added_is_live_without_a_restart(house: House):
    assert (await house.chat()).status_code == 200
    await house.apply({"quotas": [requests_a_minute(0)]})
    assert (await house.chat()).status_code == 429


@pytest.mark.parametrize(
    ("changed", "counted"),
    [
        ({"window": "day"}, 2),
        ({"metric": "cost", "amount": "1"}, 2 * (11 * 1000 + 7 * 2000)),
        ({"client_key": None}, 3),
        ({"amount": 9}, 2),
    ],
    ids=["window", "metric", "subject", "amount"],
)
async def test_a_quota_that_is_edited_counts_what_the_books_hold(opening, changed, counted):
    """Alice has asked twice and Bob once, and then Alice's quota is made another one."""
    keys = {name: make_key() for name in ("alice", "bob")}
    configuration = {
        "client_keys": [{"name": name, "secret": key} for name, key in keys.items()],
        "quotas": [requests_a_minute(9)],
    }
    async with opening(configuration, key=keys["alice"]) as house:
        body = speech.compact(asked("gpt-test", max_tokens=10))
        for name in ("alice", "bob", "alice"):
            await house.say(post(CHAT, body, keys[name]))
        await house.records()
        await house.change(lambda: edit_the_quota(changed))
        assert spent(house) == counted


def edit_the_quota(changed: dict[str, Any]) -> None:
    from usage.models import Quota

    quota = Quota.objects.get()
    for name, value in changed.items():
        setattr(quota, name, value)
    quota.save()
