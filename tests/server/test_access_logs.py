"""What is written of a request: all of it but the client's key, and nobody can fill the log."""

from __future__ import annotations

import pytest

from tests.server.process import DAPHNE, RUNSERVER, SERVE, running

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
    assert "/v1/models?key=[hidden]" in gateway.output
    assert "&after=it" in gateway.output
    assert gateway.key not in gateway.output


async def test_foreign_hosts_are_one_line_of_warning_at_a_time(chaos, database):
    async with running(chaos, database, SERVE) as gateway:
        for number in range(5):
            answer = await gateway.get("/admin/login/", host=f"{number}.evil.example")
            assert answer.status == 400
        gateway.signal()
        await gateway.ended()
    told = [line for line in gateway.output.splitlines() if "Invalid HTTP_HOST" in line]
    assert len(told) == 1
    assert '"level":"warning"' in told[0]
    assert "Traceback" not in gateway.output
