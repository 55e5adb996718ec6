"""What a running gateway says of its log: at its readiness probe and in its metrics."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.server.process import Running


async def metrics_when(gateway: Running, name: str, wanted: float) -> str:
    """The metrics once this one has this value; lines of the process itself may be more."""
    for _ in range(200):
        text = (await gateway.get("/metrics")).body.decode()
        found = value(text, name)
        if found == wanted or found > wanted > 0:
            return text
        await asyncio.sleep(0.05)
    raise AssertionError(text)


def value(text: str, name: str) -> float:
    """-1 where it is not there yet."""
    found = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(found[0].rpartition(" ")[2]) if found else -1


async def readiness(gateway: Running, status: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            answer = await gateway.get("/readyz")
            assert answer.status == 200
            if answer.json["status"] == status:
                checks: dict[str, Any] = answer.json["checks"]
                return checks
            await asyncio.sleep(0.05)
