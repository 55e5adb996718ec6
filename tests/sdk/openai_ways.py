"""The four ways in which the OpenAI SDK asks: sync and async, whole and streaming."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from openai import AsyncOpenAI, OpenAI

from tests.house import House

Way = Callable[..., Awaitable[Any]]
COUNTED: Any = {"include_usage": True}


def settings(house: House, key: str = "") -> dict[str, Any]:
    return {"base_url": f"{house.url}/v1", "api_key": key or house.key, "max_retries": 0}


async def sync_whole(house: House, **asked: Any) -> Any:
    def work() -> Any:
        with OpenAI(**settings(house)) as client:
            return client.chat.completions.create(**asked)

    return await asyncio.to_thread(work)


async def sync_stream(house: House, **asked: Any) -> Any:
    def work() -> Any:
        with OpenAI(**settings(house)) as client:
            with client.chat.completions.stream(stream_options=COUNTED, **asked) as stream:
                return stream.get_final_completion()

    return await asyncio.to_thread(work)


async def async_whole(house: House, **asked: Any) -> Any:
    async with AsyncOpenAI(**settings(house)) as client:
        return await client.chat.completions.create(**asked)


async def async_stream(house: House, **asked: Any) -> Any:
    async with AsyncOpenAI(**settings(house)) as client:
        async with client.chat.completions.stream(stream_options=COUNTED, **asked) as stream:
            return await stream.get_final_completion()


WAYS: dict[str, Way] = {
    "sync": sync_whole,
    "sync stream": sync_stream,
    "async": async_whole,
    "async stream": async_stream,
}
