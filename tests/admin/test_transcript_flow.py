"""A transcript all the way: from a client, through the gateway and a file, to the page in the admin."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from proxyproject.logs import outputs
from tests.chaos import speech, whole
from tests.databases import apart
from tests.transcripts.lines import user


async def test_from_the_client_s_words_to_the_operator_s_eyes(opening: Any, tmp_path: Path):
    """Through the gateway, into the file, and out of it by a browser at the gateway's own admin."""
    async with opening(LOG_DIR=tmp_path / "logs", LOG_BODIES="full") as house:
        house.chaos.next(whole(speech.chat_body("I shall write to ada@example.com.")))
        response = await house.chat(messages=[user("Tell ada@example.com")])
        record = await house.record()
        await asyncio.to_thread(outputs().flush)
        cookie = await asyncio.to_thread(apart, _session)
        answer = await house.client.get(
            f"/admin/patchbay_usage/usagerecord/{record['exchange_id']}/transcript/",
            headers={"cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"},
        )
    assert answer.status_code == 200
    assert response.headers["x-request-id"] == str(record["exchange_id"])
    assert "ada@example.com" not in answer.text
    assert "e-mail 1</span>" in answer.text
    assert "I shall write to " in answer.text


def _session() -> str:
    operator = User.objects.create(username="olga", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(operator)
    return client.cookies[settings.SESSION_COOKIE_NAME].value
