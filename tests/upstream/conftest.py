"""Every test here runs on both event loops: `serve` uses uvloop, `runserver` asyncio's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from providers.upstream import Upstream


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """The connections of a worker, without the worker."""
    upstream = Upstream(connect_seconds=1.0)
    yield upstream
    await upstream.close()
    assert upstream.connections == 0
