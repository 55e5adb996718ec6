"""The four ways in which the Anthropic SDK asks: sync and async, whole and streaming."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from anthropic import Anthropic, AsyncAnthropic

from tests.house import House

Way = Callable[..., Awaitable[Any]]


def settings(house: House, key: str = "") -> dict[str, Any]:
    return {"base_url": house.url, "api_key": key or house.key, "max_retries": 0}


async def sync_whole(house: House, **asked: Any) -> Any:
    def work() -> Any:
        with Anthropic(**settings(house)) as client:
            return client.messages.create(max_tokens=100, **asked)

    return await asyncio.to_thread(work)


async def sync_stream(house: House, **asked: Any) -> Any:
    def work() -> Any:
        with Anthropic(**settings(house)) as client:
            with client.messages.stream(max_tokens=100, **asked) as stream:
                return stream.get_final_message()

    return await asyncio.to_thread(work)


async def async_whole(house: House, **asked: Any) -> Any:
    async with AsyncAnthropic(**settings(house)) as client:
        return await client.messages.create(max_tokens=100, **asked)


async def async_stream(house: House, **asked: Any) -> Any:
    async with AsyncAnthropic(**settings(house)) as client:
        async with client.messages.stream(max_tokens=100, **asked) as stream:
            return await stream.get_final_message()


WAYS: dict[str, Way] = {
    "sync": sync_whole,
    "sync stream": sync_stream,
    "async": async_whole,
    "async stream": async_stream,
}
