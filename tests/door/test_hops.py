"""A request's task submits nothing to a thread and touches no database, whatever its answer."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from proxyproject.door import Door
from routing.gateway import Gateway
from tests.chaos import Stall, speech, stream, whole
from tests.house import CHAT, MESSAGES, House, asked, in_request
from tests.rawclient import Answer, RawClient, post, request
from tests.serving import serve
from usage.keys import make_key

HOPS = {
    "run_in_executor": asyncio.BaseEventLoop,
    "submit": ThreadPoolExecutor,
    "__call__": SyncToAsync,
    "ensure_connection": BaseDatabaseWrapper,
    "execute": CursorWrapper,
}


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every hop that a request's task, or a task of it, makes while the test runs."""
    made: list[str] = []

    def watched(owner: type, name: str) -> Any:
        original = getattr(owner, name)

        def hop(self: Any, *args: Any, **kwargs: Any) -> Any:
            if in_request.get():
                made.append(f"{owner.__name__}.{name}")
            return original(self, *args, **kwargs)

        return hop

    for name, owner in HOPS.items():
        monkeypatch.setattr(owner, name, watched(owner, name))
    return made


def chat(model: str = "gpt-test", **members: Any) -> bytes:
    return speech.compact(asked(model, **members))


QUOTAS = [{"client_key": "limited", "metric": "requests", "window": "minute", "amount": "1"}]
LIMITED, NARROW = make_key(), make_key()
KEYS = [
    {"name": "limited", "secret": LIMITED},
    {"name": "narrow", "secret": NARROW, "models": ["o3"]},
]
CASES = {
    "200": (lambda key: post(CHAT, chat(), key), 200),
    "200 messages": (lambda key: post(MESSAGES, chat("claude-test", max_tokens=5), key), 200),
    "stream": (lambda key: post(CHAT, chat(stream=True), key), 200),
    "models": (lambda key: _get("/v1/models", key), 200),
    "count": (lambda key: post("/v1/messages/count_tokens", chat("claude-test"), key), 200),
    "probe": (lambda key: _get("/readyz", key), 200),
    "400": (lambda key: post(CHAT, b"[]", key), 400),
    "401": (lambda key: post(CHAT, chat(), make_key()), 401),
    "403": (lambda key: post(CHAT, chat(), NARROW), 403),
    "404 model": (lambda key: post(CHAT, chat("nonesuch"), key), 404),
    "404 path": (lambda key: post("/v1/nothing", chat(), key), 404),
    "405": (lambda key: _get(CHAT, key), 405),
    "413": (lambda key: post(CHAT, b"{", key, {"content-length": str(2**30)}), 413),
}


def _get(path: str, key: str) -> bytes:
    return request("GET", path, {"host": "x", "authorization": f"Bearer {key}"})


@pytest.fixture
async def staffed(opening):
    """A house with a limited key and a narrow one beside alice's."""
    key = make_key()
    keys = [{"name": "alice", "secret": key}, *KEYS]
    async with opening({"client_keys": keys, "quotas": QUOTAS}, key=key) as house:
        yield house


@pytest.mark.parametrize(("content", "status"), CASES.values(), ids=CASES)
async def test_no_answer_takes_a_hop(staffed: House, hops: list[str], content, status):
    assert (await staffed.say(content(staffed.key))).status == status
    await staffed.settled()
    assert hops == []


async def test_a_quota_s_refusal_takes_no_hop(staffed: House, hops: list[str]):
    statuses = [(await staffed.say(post(CHAT, chat(), LIMITED))).status for _ in range(2)]
    assert statuses == [200, 429]
    await staffed.settled()
    assert hops == []


async def test_a_client_that_leaves_and_a_provider_that_fails_take_no_hop(house, hops: list[str]):
    house.chaos.next(stream(speech.chat_events()[:3], then=[Stall()]))
    client = await house.open_stream()
    client.reset()
    await house.settled()
    house.chaos.next(whole(speech.chat_error("down"), 500))
    assert (await house.chat()).status_code == 502
    await house.settled()
    assert hops == []


class Broken(Gateway):
    """A gateway with a defect, before an answer or in the middle of one."""

    async def list_models(self, *args: Any) -> None:
        raise RuntimeError("a defect")

    async def _carry(self, exchange: Any, opened: Any, sink: Any) -> None:
        await sink.write(opened.first)
        raise RuntimeError("a defect in mid-stream")


async def through_a_broken_gateway(house: House, content: bytes) -> Answer:
    runtime: Any = SimpleNamespace(
        gateway=Broken(house.runtime.gateway._tools),
        body_budget=house.runtime.body_budget,
    )
    door = Door(runtime, frozenset())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await _idle_lifespan(receive, send)
        in_request.set(True)
        return await door(scope, receive, send)

    async with serve(app) as served:
        client = await RawClient.connect(served.port)
        await client.send(content)
        answer = await client.answer()
        client.leave()
    return answer


async def _idle_lifespan(receive: Any, send: Any) -> None:
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})


async def test_a_defect_of_ours_is_a_500_in_json_without_its_story(house, hops, caplog):
    content = request("GET", "/v1/models", {"host": "x"})
    with caplog.at_level(logging.ERROR):
        answer = await through_a_broken_gateway(house, content)
    assert answer.status == 500
    assert answer.json["error"]["code"] == "internal_error"
    assert len(answer.headers["x-request-id"]) == 36
    assert b"defect" not in answer.body
    assert "a defect" in caplog.text
    assert hops == []


async def test_a_defect_in_mid_stream_breaks_the_connection_and_is_recorded(house: House):
    content = post(CHAT, chat(stream=True), house.key)
    answer = await through_a_broken_gateway(house, content)
    assert answer.status == 200
    assert not answer.complete
    record = await house.record()
    assert (record["outcome"], record["reason"]) == ("failed", "internal")
