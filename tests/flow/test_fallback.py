"""Before the first content a failure falls over to the next Target; after it, never."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from providers.http1 import STALE_SECONDS
from tests.chaos import Cut, Data, Head, Reset, Stall, Step, Wait, speech, stream, whole
from tests.house import CHAT, OPENAI_SECRET, House, asked, provider, rule
from tests.rawclient import post

FIRST = speech.chat_events()[:1]
"""The role delta: a lifecycle frame, which is no content."""


def failing(status: int) -> list[Step]:
    return whole(speech.chat_error("not now"), status)


BEFORE_CONTENT = {
    "429": (failing(429), "upstream_rate_limited"),
    "500": (failing(500), "upstream_error"),
    "502": (failing(502), "upstream_error"),
    "503": (failing(503), "upstream_overloaded"),
    "504": (failing(504), "upstream_error"),
    "529": (failing(529), "upstream_overloaded"),
    "401": (failing(401), "upstream_auth"),
    "403": (failing(403), "upstream_auth"),
    "html": (
        whole(b"<html>down</html>", 502, {"content-type": "text/html"}),
        "upstream_error",
    ),
    "redirect": (whole(b"", 302, {"location": "http://10.0.0.1/"}), "upstream_invalid"),
    "closed at once": ([Cut()], "connect"),
}
STREAM_BEFORE_CONTENT = {
    "no answer": ([Stall()], "timeout_first"),
    "head and silence": ([Head(), Stall()], "timeout_first"),
    "role delta and silence": (stream(FIRST, then=[Stall()]), "timeout_first"),
    "role delta and cut": (stream(FIRST, then=[Cut()]), "upstream_truncated"),
    "role delta and reset": (stream(FIRST, then=[Reset()]), "upstream_truncated"),
    "role delta and a clean end": (stream(FIRST), "upstream_truncated"),
    "nothing": (stream([]), "upstream_truncated"),
    "error event": (
        stream([b"data: " + speech.chat_error("overloaded") + b"\n\n", speech.DONE]),
        "upstream_error",
    ),
    "error after the role delta": (
        stream([*FIRST, b"data: " + speech.chat_error("overloaded") + b"\n\n"]),
        "upstream_error",
    ),
    "many comments and cut": (
        stream([b": still at it\n\n"] * 80, pause=0.001, then=[Wait(0.01), Cut()]),
        "upstream_truncated",
    ),
    "more than is held": (
        stream([b": " + b"x" * 60_000 + b"\n\n"] * 5, pause=0.001, then=[Stall()]),
        "upstream_invalid",
    ),
    "a page": (
        whole(b"<html>busy</html>", headers={"content-type": "text/html; charset=utf-8"}),
        "upstream_invalid",
    ),
    "a page that says it were a stream": (stream([b"<html>busy</html>"]), "upstream_truncated"),
    "an end mark alone": (stream([speech.DONE]), "upstream_invalid"),
    "a role delta and the end mark": (stream([*FIRST, speech.DONE]), "upstream_invalid"),
    "usage and the end mark": (stream([speech.chat_usage(), speech.DONE]), "upstream_invalid"),
    "a whole answer": (whole(speech.chat_body()), "upstream_invalid"),
}
WHOLE_BROKEN = {
    "not json": (whole(b'{"id": "chatcmpl'), "upstream_invalid"),
    "html 200": (
        whole(b"<html></html>", headers={"content-type": "text/html"}),
        "upstream_invalid",
    ),
    "empty": (whole(b""), "upstream_invalid"),
    "another object": (whole(b'{"hello": 1}'), "upstream_invalid"),
    "cut": ([Head(framing=1000), Data(b'{"id"'), Cut()], "upstream_truncated"),
    "204": ([Head(204, framing=0)], "upstream_invalid"),
    "error in a 200": (whole(speech.chat_error("oops")), "upstream_error"),
}


@pytest.fixture
async def pair(opening, chaos):
    """A house with two providers for gpt-*, in two tiers."""
    providers = [
        provider("openai", chaos.openai_url, OPENAI_SECRET, name="first"),
        provider("openai", chaos.openai_url, "sk-second-0815", name="second"),
    ]
    rules = [rule("gpt", "gpt-*", ["first", "second"])]
    changed = {"providers": providers, "rules": rules}
    async with opening(changed, FIRST_CONTENT_SECONDS=0.4, TOTAL_SECONDS=0.4) as house:
        yield house


async def check_fallback(house: House, script, reason: str, streaming: bool) -> None:
    house.chaos.next(script)
    response = await house.chat(stream=streaming)
    assert response.status_code == 200
    assert "Hello" in response.text
    assert "not now" not in response.text
    record = await house.record()
    assert record["outcome"] == "completed"
    assert record["provider_name"] == "second"
    members = ("provider", "why", "reason")
    attempts = [tuple(attempt[name] for name in members) for attempt in record["attempts"]]
    assert attempts == [("first", "tier 1", reason), ("second", "tier 2", "ok")]


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("script", "reason"), BEFORE_CONTENT.values(), ids=BEFORE_CONTENT)
async def test_a_failure_before_content_falls_over_unseen(pair, script, reason, streaming):
    await check_fallback(pair, script, reason, streaming)


@pytest.mark.parametrize(
    ("script", "reason"), STREAM_BEFORE_CONTENT.values(), ids=STREAM_BEFORE_CONTENT
)
async def test_a_stream_that_brings_no_content_falls_over(pair, script, reason):
    await check_fallback(pair, script, reason, True)


@pytest.mark.parametrize(("script", "reason"), WHOLE_BROKEN.values(), ids=WHOLE_BROKEN)
async def test_an_answer_that_cannot_be_read_falls_over(pair, script, reason):
    await check_fallback(pair, script, reason, False)


async def test_an_empty_message_without_a_stop_reason_falls_over(opening, chaos):
    providers = [
        provider("anthropic", chaos.url, "sk-first-0815", name="first"),
        provider("anthropic", chaos.url, "sk-second-0815", name="second"),
    ]
    rules = [rule("any", "*", ["first", "second"])]
    async with opening({"providers": providers, "rules": rules}) as house:
        events = speech.message_events()
        for ask in (house.message, house.chat):  # in the provider's own format, and translated
            chaos.next(stream([events[0], events[-1]]))
            assert "Hello" in (await ask(stream=True)).text
        assert {record["provider_name"] for record in await house.records()} == {"second"}


async def test_an_empty_answer_with_its_stop_reason_is_an_answer(pair):
    events = [*FIRST, speech.chat_chunk({}, "stop"), speech.DONE]
    pair.chaos.next(stream(events))
    assert (await pair.chat(stream=True)).content == b"".join(events)
    record = await pair.record()
    assert (record["outcome"], record["provider_name"]) == ("completed", "first")


async def test_comments_do_not_use_up_the_patience_with_an_answer(pair):
    events = speech.chat_events(usage=None)
    waiting = [b": still at it\n\n"] * 100
    pair.chaos.next(stream([*waiting, *events], pause=0.001))
    response = await pair.chat(stream=True)
    assert response.content.endswith(b"".join(events))
    assert (await pair.record())["provider_name"] == "first"


async def test_a_connection_refused_falls_over_at_once(opening, chaos):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    providers = [
        provider("openai", closed, OPENAI_SECRET, name="first"),
        provider("openai", chaos.openai_url, OPENAI_SECRET, name="second"),
    ]
    rules = [rule("gpt", "gpt-*", ["first", "second"])]
    async with opening({"providers": providers, "rules": rules}) as house:
        response = await house.chat()
        record = await house.record()
    assert response.status_code == 200
    assert [attempt["reason"] for attempt in record["attempts"]] == ["connect", "ok"]
    assert record["attempts"][0]["ms"] < 50
    assert record["attempts"][0]["status"] == 0
    assert record["attempts"][0]["detail"] == (
        "The provider could not be reached: the connection was refused."
    )


async def test_a_failure_to_reach_the_provider_is_told_in_the_log_line_as_well(opening, capfd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    providers = [provider("openai", closed, OPENAI_SECRET)]
    async with opening(
        {"providers": providers, "rules": [rule("gpt", "gpt-*", ["openai"])]}
    ) as house:
        response = await house.chat()
        await house.settled()
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line[:1] == "{"]
    [said] = [line for line in lines if line["event"] == "request"]
    [attempt] = said["attempts"]
    assert (response.status_code, said["status"], said["reason"]) == (502, 502, "connect")
    assert (attempt["status"], attempt["reason"]) == (0, "connect")
    assert "the connection was refused" in attempt["detail"]


@pytest.mark.parametrize(
    ("script", "status"),
    [([Stall()], 0), (failing(401), 401), (failing(529), 529), (whole(b"<html>"), 200)],
    ids=["silence", "401", "529", "html"],
)
async def test_the_status_of_an_attempt_is_what_the_provider_answered(pair, script, status):
    pair.chaos.next(script, whole(speech.chat_body()))
    await pair.chat()
    first = (await pair.record())["attempts"][0]
    assert first["status"] == status


SLOW: dict[str, tuple[list[Step], list[str]]] = {
    "silence": ([Stall()], ["timeout_total"]),
    "late failure": ([Wait(0.25), *failing(500)], ["upstream_error", "timeout_total"]),
}


@pytest.mark.parametrize(("script", "reasons"), SLOW.values(), ids=SLOW)
async def test_the_total_is_for_all_that_is_tried_for_a_whole_answer(pair, script, reasons):
    """A client waits for its answer, and not for each of those who might have given it."""
    pair.chaos.next(script, [Stall()])
    response = await pair.chat()
    assert (response.status_code, response.json()["error"]["code"]) == (
        504,
        "upstream_timeout_total",
    )
    record = await pair.record()
    assert (record["outcome"], record["reason"], record["status"]) == (
        "failed",
        "timeout_total",
        504,
    )
    assert [attempt["reason"] for attempt in record["attempts"]] == reasons
    assert record["total_ms"] < 600


async def test_a_total_that_the_body_used_up_asks_no_provider(pair):
    client = await pair.connect()
    content = post(CHAT, speech.compact(asked("gpt-test")), pair.key)
    await client.send(content[:-5])
    await asyncio.sleep(0.45)
    await client.send(content[-5:])
    answer = await client.answer()
    client.leave()
    assert (answer.status, answer.json["error"]["code"]) == (504, "upstream_timeout_total")
    assert not pair.chaos.requests
    assert (await pair.record())["attempts"] == []


@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_what_the_caller_did_wrong_does_not_move_on(pair, status):
    said = speech.chat_error("max_tokens is too large", "invalid_request_error", "bad")
    pair.chaos.next(whole(said, status))
    response = await pair.chat()
    assert response.status_code == status
    assert response.content == said
    assert len(pair.chaos.requests) == 1
    record = await pair.record()
    assert (record["outcome"], record["reason"]) == ("failed", "upstream_refused")
    assert record["cost_nano"] == 0


async def test_no_fallback_after_content(pair):
    events = speech.chat_events()
    pair.chaos.next(stream(events[:3], then=[Wait(0.01), Cut()]))
    response = await pair.chat(stream=True)
    assert response.content.startswith(b"".join(events[:3]))
    assert b'"error"' in response.content
    assert b"[DONE]" not in response.content
    assert len(pair.chaos.requests) == 1


@pytest.mark.parametrize(
    ("script", "status", "code", "reason"),
    [
        (failing(401), 502, "upstream_auth", "upstream_auth"),
        (failing(500), 502, "upstream_error", "upstream_error"),
        (failing(503), 503, "upstream_overloaded", "upstream_overloaded"),
        (failing(529), 503, "upstream_overloaded", "upstream_overloaded"),
        (whole(b"<html>"), 502, "upstream_invalid_response", "upstream_invalid"),
    ],
    ids=["401", "500", "503", "529", "html"],
)
async def test_the_last_failure_is_the_answer(pair, script, status, code, reason):
    pair.chaos.next(script, script)
    response = await pair.chat()
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert response.headers["content-type"] == "application/json"
    record = await pair.record()
    assert (record["outcome"], record["reason"]) == ("failed", reason)
    assert (record["status"], len(record["attempts"])) == (status, 2)


async def test_a_rate_limit_of_the_provider_is_passed_on_with_its_wait(pair):
    busy = whole(speech.chat_error("slow down"), 429, {"retry-after": "7"})
    pair.chaos.next(busy, busy)
    response = await pair.chat()
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after-ms": "2500"}, "2"),
        ({"retry-after-ms": "nan"}, None),
        ({"retry-after-ms": "-inf"}, None),
        ({"retry-after-ms": "1e999"}, None),
        ({"retry-after": "1" + "0" * 400}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 99 Jan 2024 00:00:00 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 99999999999999 00:00:00 GMT"}, None),
    ],
    ids=[
        "sense",
        "nan",
        "infinite before",
        "infinite",
        "endless",
        "words",
        "no date",
        "no such year",
    ],
)
async def test_a_wait_that_makes_no_sense_is_left_out(pair, headers, wait):
    busy = whole(speech.chat_error("slow down"), 429, headers)
    pair.chaos.next(busy, busy)
    response = await pair.chat()
    assert (response.status_code, response.headers.get("retry-after")) == (429, wait)


async def test_overload_is_529_in_the_words_of_messages(house: House):
    house.chaos.next(whole(speech.message_error("busy", "overloaded_error"), 529))
    response = await house.message()
    assert response.status_code == 529
    assert response.json()["error"]["type"] == "overloaded_error"


async def test_a_kept_connection_that_was_closed_is_tried_again_unseen(house: House):
    """The client sees nothing of it; the books have both, for the provider may have both too."""
    house.chaos.next(whole(speech.chat_body()), [Cut()], whole(speech.chat_body()))
    await house.chat()
    response = await house.chat()
    assert response.status_code == 200
    attempts = (await house.records())[1]["attempts"]
    said = [(attempt["why"], attempt["reason"]) for attempt in attempts]
    assert said == [("tier 1", "connect"), ("sent again", "ok")]
    assert {attempt["provider"] for attempt in attempts} == {"openai"}


async def test_a_kept_connection_that_was_closed_is_tried_again_once(house: House):
    house.chaos.next(whole(speech.chat_body()), [Cut()], [Cut()], whole(speech.chat_body()))
    await house.chat()
    response = await house.chat()
    assert response.status_code == 502
    assert len((await house.records())[1]["attempts"]) == 2


async def test_a_kept_connection_that_dies_late_is_not_tried_again(house: House):
    """The provider has had the request for so long that it was at work on it."""
    late: list[Step] = [Wait(STALE_SECONDS + 0.1), Cut()]
    house.chaos.next(whole(speech.chat_body()), late, whole(speech.chat_body()))
    await house.chat()
    response = await house.chat()
    assert response.status_code == 502
    assert len(house.chaos.requests) == 2


async def test_a_new_connection_that_is_closed_is_not_tried_again(house: House):
    """The provider may have begun to work on it, and would be paid twice."""
    house.chaos.next([Cut()], whole(speech.chat_body()))
    response = await house.chat()
    assert response.status_code == 502
    assert len(house.chaos.requests) == 1


async def test_weights_and_usable_credentials_decide_within_a_tier(opening, chaos):
    """A provider whose secret cannot be read is left out; the others serve."""
    broken = provider("openai", chaos.openai_url, "env:NO_SUCH_VARIABLE", name="broken")
    sound = provider("openai", chaos.openai_url, OPENAI_SECRET, name="sound")
    rules = [rule("gpt", "gpt-*", ["broken", "sound"]), rule("lost", "o3", ["broken"])]
    async with opening({"providers": [broken, sound], "rules": rules}) as house:
        assert (await house.chat()).status_code == 200
        response = await house.chat("o3")
        record = (await house.records())[1]
    assert (record["outcome"], record["reason"]) == ("failed", "connect")
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "no_target_available"
