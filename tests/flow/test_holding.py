"""A body is held, and counted, until its answer has begun; then it is gone from memory too."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator

import pytest

from tests.chaos import Data, Hold, Stall, Step, speech, stream, whole
from tests.house import CHAT, OPENAI_SECRET, House, asked, provider, rule
from tests.rawclient import RawClient, post

LARGE = 2**20
EVENTS = speech.chat_events(usage=None)


def large(model: str = "gpt-test") -> bytes:
    return speech.compact(asked(model, stream=True, padding="x" * LARGE))


async def begin(house: House) -> RawClient:
    client = await house.connect()
    await client.send(post(CHAT, large(), house.key))
    return client


def going_on(gate: asyncio.Event) -> list[Step]:
    """A stream that has begun, and ends when the test says so."""
    return stream(EVENTS[:3], then=[Hold(gate), *(Data(block) for block in EVENTS[3:])])


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def large_blocks() -> int:
    """How many things as large as a body are in memory."""
    return sum(trace.size >= LARGE for trace in tracemalloc.take_snapshot().traces)


async def test_bodies_that_wait_for_their_answer_are_held_against_the_budget(opening):
    async with opening(BODY_BUDGET_BYTES=LARGE * 3 // 2) as house:
        gate = asyncio.Event()
        house.chaos.next([Hold(gate), *stream(EVENTS)])
        client = await begin(house)
        await house.seen()
        assert house.runtime.body_budget.held == len(large())
        answer = await house.say(post(CHAT, large(), house.key))
        assert answer.status == 503
        gate.set()
        assert (await client.answer()).complete
        client.leave()


async def test_a_stream_that_has_begun_holds_no_body(opening):
    """The room is another request's then."""
    async with opening(BODY_BUDGET_BYTES=LARGE * 3 // 2) as house:
        gate = asyncio.Event()
        house.chaos.next(going_on(gate), going_on(gate))
        clients = []
        for _ in range(2):
            clients.append(await begin(house))
            await clients[-1].until(b"Hello")
            assert house.runtime.body_budget.held == 0
        gate.set()
        for client in clients:
            await client.until(b"[DONE]")
            client.leave()


BEFORE: dict[str, list[list[Step]]] = {
    "at once": [],
    "after a refusal": [whole(speech.chat_error("busy"), 503)],
    "after silence": [[Stall()]],
    "after a broken stream": [stream(EVENTS[:1])],
}


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
async def test_nothing_of_a_body_stays_in_memory_while_its_stream_runs(
    opening, chaos, traced, before
):
    """Bytes that are no longer counted, and are there all the same, would make the budget a lie."""
    providers = [
        provider("openai", chaos.openai_url, OPENAI_SECRET, name=name)
        for name in ("first", "second")
    ]
    rules = [rule("gpt", "gpt-*", ["first", "second"])]
    changed = {"providers": providers, "rules": rules}
    async with opening(changed, FIRST_CONTENT_SECONDS=0.2) as house:
        gate = asyncio.Event()
        clients = []
        for _ in range(3):
            chaos.next(*before, going_on(gate))
            clients.append(await begin(house))
            await clients[-1].until(b"Hello")
        for seen in chaos.requests:
            seen.body = b""
        assert large_blocks() == 0
        gate.set()
        for client in clients:
            await client.until(b"[DONE]")
            client.leave()
