"""A running gateway on real sockets, with the scripted upstream behind it and books of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from django.core.handlers.asgi import ASGIHandler
from django.test import override_settings

from proxyproject.entrance import Entrance
from routing.runtime import Runtime
from tests.chaos import Chaos, Seen
from tests.databases import apart
from tests.rawclient import Answer, RawClient, post
from tests.serving import PATIENCE, Served, serve
from usage.keys import make_key

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
OPENAI_SECRET = "sk-chaos-openai-4711"
ANTHROPIC_SECRET = "sk-ant-chaos-4712"

in_request: ContextVar[bool] = ContextVar("in_request", default=False)
"""True in the task of a request and in all that it starts."""


def document(chaos: Chaos, key: str) -> dict[str, Any]:
    """The configuration that a house has unless told otherwise: gpt-* and claude-*, one key."""
    return {
        "providers": [
            provider("openai", chaos.openai_url, OPENAI_SECRET),
            provider("anthropic", chaos.url, ANTHROPIC_SECRET),
        ],
        "rules": [rule("gpt", "gpt-*", ["openai"]), rule("claude", "claude-*", ["anthropic"])],
        "client_keys": [{"name": "alice", "secret": key}],
    }


def provider(
    adapter: str, base_url: str, secret: str, name: str = "", models: tuple[str, ...] = ("*",)
) -> dict[str, Any]:
    return {
        "name": name or adapter,
        "adapter": adapter,
        "base_url": base_url,
        "allow_private_network": True,
        "credentials": [{"label": "main", "secret": secret}],
        "deployments": [
            {"model": model, "price": {"input_per_mtok": "1.00", "output_per_mtok": "2.00"}}
            for model in models
        ],
    }


def rule(name: str, model: str, providers: list[str], **more: Any) -> dict[str, Any]:
    """A rule that tries these providers one after the other, the model's name going through."""
    targets = [
        {"provider": provider, "model": "*", "tier": tier, "weight": 100}
        for tier, provider in enumerate(providers, 1)
    ]
    return {"name": name, "priority": 100, "match": {"model": model}, "targets": targets, **more}


@dataclass(slots=True)
class House:
    """The gateway as its clients see it, and a look behind the counter."""

    runtime: Runtime
    served: Served
    chaos: Chaos
    key: str
    client: httpx.AsyncClient

    @property
    def port(self) -> int:
        return self.served.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def chat(self, model: str = "gpt-test", **members: Any) -> httpx.Response:
        """Ask in Chat Completions."""
        return await self.client.post(CHAT, json=asked(model, **members))

    async def message(self, model: str = "claude-test", **members: Any) -> httpx.Response:
        """Ask in Messages."""
        body = asked(model, max_tokens=100, **members)
        return await self.client.post(MESSAGES, json=body)

    async def connect(self, receive_buffer: int = 0) -> RawClient:
        return await RawClient.connect(self.port, receive_buffer)

    async def say(self, content: bytes) -> Answer:
        """Send bytes on a connection of their own and read the answer."""
        client = await self.connect()
        try:
            await client.send(content)
            return await client.answer()
        finally:
            client.leave()

    async def open_stream(self, path: str = CHAT, model: str = "gpt-test") -> RawClient:
        """Ask for a stream and read the head of the answer."""
        client = await self.connect()
        body = httpx.Request("POST", self.url, json=asked(model, stream=True)).content
        await client.send(post(path, body, self.key))
        status, _ = await client.head()
        assert status == 200, await client.reader.read(1000)
        return client

    async def seen(self, number: int = 1) -> Seen:
        return await self.chaos.seen(number)

    async def records(self) -> list[dict[str, Any]]:
        """The books, oldest first, once everything is in them."""
        await self.settled()
        return await asyncio.to_thread(apart, self._read_records)

    async def record(self) -> dict[str, Any]:
        """The only record."""
        [record] = await self.records()
        return record

    def _read_records(self) -> list[dict[str, Any]]:
        from usage.models import UsageRecord

        self.runtime._writer.flush(PATIENCE)
        return [dict(row) for row in UsageRecord.objects.order_by("exchange_id").values()]

    async def apply(self, changed: Mapping[str, Any]) -> None:
        """Apply a configuration and wait until it is served."""
        await asyncio.to_thread(apart, lambda: apply(changed))
        await self.refreshed()

    async def change(self, work: Callable[[], Any]) -> None:
        """Do something to the database and wait until it is served."""
        await asyncio.to_thread(apart, work)
        await self.refreshed()

    async def refreshed(self) -> None:
        """Wait until the worker has looked at the database again: twice, for one look may be under way."""
        async with asyncio.timeout(PATIENCE):
            for _ in range(2):
                now = time.time()
                while self.runtime._refresher.refreshed_at < now:  # noqa: ASYNC110 — it is no event
                    await asyncio.sleep(0.005)
        await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Wait until nothing is in hand, and fail if something is left behind."""
        for _ in range(int(PATIENCE / 0.01)):
            if not self.leftovers():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"left behind: {self.leftovers()}")

    def leftovers(self) -> list[str]:
        """What requests still hold."""
        runtime = self.runtime
        counters = runtime.live.quotas._counters.values()
        origins = runtime._upstream._origins.values()
        held = {
            "tasks": len(self.served.state.tasks),
            "exchanges": runtime.live.in_flight,
            "deadlines": len(runtime._sweeper.live),
            "body bytes": runtime.body_budget.held,
            "reserved nano-dollars": sum(counter.reserved for counter in counters),
            "busy upstream connections": sum(
                len(origin._all) - len(origin._idle) for origin in origins
            ),
        }
        return [f"{count} {what}" for what, count in held.items() if count]


def asked(model: str, **members: Any) -> dict[str, Any]:
    """A small request; both formats take it."""
    return {"model": model, "messages": [{"role": "user", "content": "Hi"}], **members}


def apply(changed: Mapping[str, Any]) -> None:
    """Write a configuration to the database, published."""
    from routing.apply import apply as apply_document

    apply_document(dict(changed))


@asynccontextmanager
async def open_house(
    chaos: Chaos,
    directory: Path,
    changed: Mapping[str, Any] | None = None,
    key: str = "",
    send_buffer: int = 0,
    **settings: Any,
) -> AsyncIterator[House]:
    """Run a gateway. `changed` replaces parts of its configuration, `settings` those of the process."""
    key = key or make_key()
    configuration = {**document(chaos, key), **(changed or {})}
    await asyncio.to_thread(apart, lambda: apply(configuration))
    with override_settings(VAR_DIR=directory, SNAPSHOT_POLL_SECONDS=0.05, **settings):
        entrance = Entrance(stock_django())
        async with serve(_marked(entrance), send_buffer) as served:
            assert entrance.runtime is not None
            headers = {"authorization": f"Bearer {key}"}
            base = f"http://127.0.0.1:{served.port}"
            async with httpx.AsyncClient(
                base_url=base, headers=headers, timeout=10, trust_env=False
            ) as client:
                house = House(entrance.runtime, served, chaos, key, client)
                yield house
            await house.settled()


@cache
def stock_django() -> ASGIHandler:
    """Django's own application, made once: loading its middleware takes time."""
    return ASGIHandler()


def _marked(entrance: Entrance) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await entrance.lifespan(scope, receive, send)
        in_request.set(True)
        return await entrance.http(scope, receive, send)

    return app
