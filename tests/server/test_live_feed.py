"""The websocket of the admin: for staff, from our own pages, and nothing else listens."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.databases import apart
from tests.server.process import DAPHNE, SERVE, running

ORIGIN = Origin("http://localhost:8000")


def signed_in(staff: bool) -> dict[str, str]:
    """The cookie of somebody who has signed in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    user = User.objects.create_user("alice" if staff else "bob", is_staff=staff)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {"cookie": f"sessionid={session.session_key}"}


@pytest.mark.parametrize(
    "command", [pytest.param(SERVE, id="serve"), pytest.param(DAPHNE, id="daphne")]
)
async def test_it_tells_staff_what_the_worker_does_and_nobody_else(command, chaos, database):
    staff = await asyncio.to_thread(apart, lambda: signed_in(staff=True))
    other = await asyncio.to_thread(apart, lambda: signed_in(staff=False))
    async with running(chaos, database, command) as gateway:

        async def refused(path: str, headers: dict[str, str], origin: Origin = ORIGIN) -> int:
            with pytest.raises(InvalidStatus) as closed:
                await connect(
                    f"ws://127.0.0.1:{gateway.port}{path}",
                    additional_headers=headers,
                    origin=origin,
                )
            return closed.value.response.status_code

        assert await refused("/ws/live", {}) == 403
        assert await refused("/ws/live", other) == 403
        assert await refused("/ws/live", staff, origin=Origin("http://elsewhere.example")) == 403
        assert await refused("/ws/nothing", staff) == 403

        address = f"ws://127.0.0.1:{gateway.port}/ws/live"
        async with connect(address, additional_headers=staff, origin=ORIGIN) as socket:
            news = [json.loads(await asyncio.wait_for(socket.recv(), 3)) for _ in range(2)]
        assert news[1]["serving"] is True
        assert news[1]["config_version"] == 1
        gateway.signal()
        await gateway.ended()
        assert "Traceback" not in gateway.output
