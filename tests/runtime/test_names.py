"""Names of providers: looked up beside everything else, together, and not again for every request."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest

from providers.addresses import NameCache
from tests.house import OPENAI_SECRET, House, provider, rule
from usage.issue import revoke
from usage.models import ClientKey

SLOW_SECONDS = 1.0
REAL = socket.getaddrinfo


class NameServer:
    """Stands in for the machine's: names under .example are answered late, or with a failure."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.seconds = 0.0
        self.address = ""
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: Any, *rest: Any, **more: Any) -> Any:
        if not str(host).endswith(".example"):
            return REAL(host, *rest, **more)
        self.asked.append(host)
        time.sleep(self.seconds)
        if not self.address:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return REAL(self.address, *rest, **more)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    return NameServer(monkeypatch)


def slow_providers(count: int) -> dict[str, Any]:
    """Providers whose names are hard to find, beside the usual one."""
    found = [
        provider("openai", f"http://slow-{number}.example/v1", OPENAI_SECRET, f"slow-{number}")
        for number in range(count)
    ]
    rules = [rule(entry["name"], f"{entry['name']}/*", [entry["name"]]) for entry in found]
    return {"providers": found, "rules": rules}


async def test_a_revoked_key_is_refused_at_once_however_slow_names_are(
    names: NameServer, house: House
):
    assert (await house.chat()).status_code == 200
    names.seconds = SLOW_SECONDS
    await house.apply(slow_providers(4))
    async with asyncio.timeout(1):
        while not names.asked:  # noqa: ASYNC110 — it is asked in another thread
            await asyncio.sleep(0.01)
    began = time.monotonic()
    await house.change(lambda: revoke(ClientKey.objects.get()))
    assert (await house.chat()).status_code == 401
    assert time.monotonic() - began < SLOW_SECONDS / 2


async def test_names_are_looked_up_together(names: NameServer):
    names.seconds, names.address = 0.3, "127.0.0.1"
    cache = NameCache(private=True)
    began = time.monotonic()
    await cache.warm([(f"host-{number}.example", 443) for number in range(4)])
    assert time.monotonic() - began < 2 * names.seconds
    names.asked.clear()
    assert await cache.resolve("host-3.example", 443)
    assert names.asked == []


async def test_a_look_up_without_an_answer_ends(names: NameServer):
    names.seconds = 0.5
    cache = NameCache(private=True, seconds=0.05)
    began = time.monotonic()
    with pytest.raises(OSError, match="took too long"):
        await cache.resolve("silent.example", 443)
    assert time.monotonic() - began < names.seconds


async def test_a_name_that_does_not_resolve_is_asked_for_once_not_for_every_request(
    names: NameServer,
):
    names.seconds = 0.1
    cache = NameCache(private=True)

    async def ask() -> None:
        with pytest.raises(OSError, match="not known"):
            await cache.resolve("nowhere.example", 443)

    await asyncio.gather(*(ask() for _ in range(20)))
    await ask()
    assert names.asked == ["nowhere.example"]


async def test_a_client_that_leaves_takes_no_look_up_from_the_others(names: NameServer):
    names.seconds, names.address = 0.2, "127.0.0.1"
    cache = NameCache(private=True)
    loop = asyncio.get_running_loop()
    leaves = loop.create_task(cache.resolve("shared.example", 443))
    stays = loop.create_task(cache.resolve("shared.example", 443))
    await asyncio.sleep(0.05)
    leaves.cancel()
    assert (await stays)[0][4][0] == "127.0.0.1"
    assert names.asked == ["shared.example"]


async def test_an_address_that_turns_private_is_refused_from_the_next_look_up_on(
    names: NameServer,
):
    cache = NameCache(private=False)
    names.address = "93.184.216.34"
    await cache.warm([("turning.example", 443)])
    assert (await cache.resolve("turning.example", 443))[0][4][0] == names.address
    names.address = "10.0.0.1"
    await cache.warm([("turning.example", 443)])
    with pytest.raises(OSError, match="not a public address"):
        await cache.resolve("turning.example", 443)
