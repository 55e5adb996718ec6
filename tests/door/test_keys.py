"""Keys at the front door: who is let in, from when and until when."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.chaos import Stall, speech
from tests.door.test_refusals import check_shape
from tests.house import CHAT, MESSAGES, House, asked
from tests.rawclient import post, request
from usage.issue import issue_key, revoke
from usage.keys import make_key

GUARDED = {
    CHAT: "POST",
    MESSAGES: "POST",
    "/v1/messages/count_tokens": "POST",
    "/v1/models": "GET",
    "/v1/models/gpt-test": "GET",
}
BODY = speech.compact(asked("gpt-test"))


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize(
    ("key", "word"),
    [("", "No key"), ("pbk_short", "well formed"), (make_key(), "not known")],
    ids=["missing", "malformed", "unknown"],
)
async def test_every_client_path_wants_a_key(house: House, path, key, word):
    head = {"host": "x"} | ({"authorization": f"Bearer {key}"} if key else {})
    answer = await house.say(request(GUARDED[path], path, head))
    kind = "authentication_error" if path.startswith(MESSAGES) else "invalid_request_error"
    assert word in check_shape(answer, path, 401, kind)
    if not path.startswith(MESSAGES):
        assert answer.json["error"]["code"] == "invalid_api_key"
    assert not key or key.encode() not in answer.body
    assert await house.records() == []


async def test_the_key_is_judged_before_the_body_is_read(house: House):
    announced = {"content-length": str(8 * 2**20), "expect": "100-continue"}
    client = await house.connect()
    await client.send(post(CHAT, b"", "", announced))
    answer = await client.answer()
    assert answer.status == 401
    assert answer.headers["connection"] == "close"
    assert await client.closed()
    client.leave()


@pytest.mark.parametrize(
    "place",
    [
        {"authorization": "Bearer {key}"},
        {"authorization": "bearer {key}"},
        {"x-api-key": "{key}"},
        {"api-key": "{key}"},
        {"x-goog-api-key": "{key}"},
        {"authorization": "Bearer sk-something-else", "x-api-key": "{key}"},
    ],
)
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_key_is_taken_wherever_a_vendor_s_client_puts_it(house: House, path, place):
    headers = {name: value.format(key=house.key) for name, value in place.items()}
    body = speech.compact(asked("gpt-test" if path == CHAT else "claude-test"))
    assert (await house.say(post(path, body, "", headers))).status == 200


async def test_a_key_is_taken_from_the_query(house: House):
    assert (await house.say(post(f"{CHAT}?key={house.key}", BODY))).status == 200
    assert (await house.seen()).path == CHAT


async def test_a_new_key_opens_and_a_revoked_one_closes_without_a_restart(house: House):
    key = make_key()
    assert (await house.say(post(CHAT, BODY, key))).status == 401
    await house.change(lambda: issue_key("bob", secret=key))
    assert (await house.say(post(CHAT, BODY, key))).status == 200
    await house.change(lambda: revoke(_row("bob")))
    answer = await house.say(post(CHAT, BODY, key))
    assert "revoked" in check_shape(answer, CHAT, 401, "invalid_request_error")


async def test_a_deleted_key_is_unknown(house: House):
    await house.change(lambda: _row("alice").delete())
    answer = await house.say(post(CHAT, BODY, house.key))
    assert "not known" in check_shape(answer, CHAT, 401, "invalid_request_error")


async def test_a_key_expires_at_its_moment_not_at_the_next_refresh(opening):
    async with opening() as house:
        key = make_key()
        soon = timezone.now() + timedelta(seconds=1)
        await house.change(lambda: issue_key("dora", secret=key, expires_at=soon))
        assert (await house.say(post(CHAT, BODY, key))).status == 200
        await asyncio.sleep(max(0.0, (soon - timezone.now()).total_seconds()))
        answer = await house.say(post(CHAT, BODY, key))
        assert "expired" in check_shape(answer, CHAT, 401, "invalid_request_error")


async def test_a_key_s_name_and_team_are_in_its_records(opening):
    key = make_key()
    changed = {
        "teams": [{"name": "research"}],
        "client_keys": [{"name": "carol", "team": "research", "secret": key}],
    }
    async with opening(changed, key=key) as house:
        await house.chat()
        record = await house.record()
    assert (record["client_key_name"], record["team_name"]) == ("carol", "research")


async def test_revoking_a_key_lets_what_it_began_come_to_its_end(house: House):
    house.chaos.next([Stall()])
    pending = asyncio.create_task(house.chat())
    await house.seen()
    await house.change(lambda: revoke(_row("alice")))
    assert house.runtime.live.in_flight == 1
    pending.cancel()


def _row(name: str):
    from usage.models import ClientKey

    return ClientKey.objects.get(name=name)
