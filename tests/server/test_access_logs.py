"""What servers write of a request: all of it but the client's key."""

from __future__ import annotations

import pytest

from tests.server.process import DAPHNE, RUNSERVER, running

UVICORN = ("-m", "uvicorn", "--port", "{port}", "proxyproject.asgi:application")


@pytest.mark.parametrize("command", [DAPHNE, RUNSERVER, UVICORN], ids=lambda command: command[1])
async def test_a_key_in_the_address_is_not_in_the_log(command, chaos, database):
    async with running(chaos, database, command) as gateway:
        answer = await gateway.get(f"/v1/models?key={gateway.key}")
        assert answer.status == 200
        await gateway.get(f"/v1/nothing?key={gateway.key}&after=it")
        await gateway.get(f"/admin/?key={gateway.key}x")
        gateway.signal()
        await gateway.ended()
    assert "/v1/models?key=pbk_(hidden)" in gateway.output
    assert "&after=it" in gateway.output
    assert gateway.key not in gateway.output
