"""A stream that does not end as it should never looks as if it did."""

from __future__ import annotations

import pytest

from providers.errors import Invalid, Rejected, Truncated
from tests.chaos.speech import DONE, chat_chunk, data, event
from tests.wire.pieces import (
    MESSAGE_STOP,
    ROLE,
    START,
    STOP,
    blocks_of,
    calls,
    ended,
    opened,
    piece,
    speech_of,
    stop_of,
    to_messages,
)
from tests.wire.talk import CHAT, MESSAGES, SECRET, carry, lane, read


@pytest.mark.parametrize(
    ("client", "blocks"),
    [(MESSAGES, [ROLE, speech_of("x")]), (CHAT, [START, opened(0, type="text", text="x")])],
)
def test_a_body_that_ends_early_is_truncated(client, blocks):
    way = lane(client)
    for block in blocks:
        way.feed(block)
    with pytest.raises(Truncated):
        way.finish()
    assert not way.ended


@pytest.mark.parametrize(
    ("client", "blocks"),
    [(MESSAGES, [ROLE, speech_of("x"), STOP]), (CHAT, [START, ended("end_turn")])],
)
def test_a_missing_terminal_marker_alone_is_no_failure(client, blocks):
    out = carry(lane(client), blocks)
    assert out.endswith(b"[DONE]\n\n" if client is CHAT else b'{"type":"message_stop"}\n\n')


@pytest.mark.parametrize(
    ("client", "blocks"),
    [
        (MESSAGES, [ROLE, speech_of("x"), DONE]),
        (MESSAGES, [ROLE, calls(piece(0, "{}", id="x", name="f")), DONE]),
        (CHAT, [START, opened(0, type="text", text="x"), MESSAGE_STOP]),
    ],
)
def test_an_end_without_a_stop_reason_is_told_as_one_and_reported(client, blocks):
    way = lane(client)
    assert carry(way, blocks).endswith(DONE if client is CHAT else b'{"type":"message_stop"}\n\n')
    assert [(loss.path, loss.weight) for loss in way.losses] == [("answer.stop_reason", "meaning")]


def test_a_whole_answer_without_a_stop_reason_is_reported():
    for client, body in (
        (MESSAGES, b'{"choices":[{"message":{"content":"x"},"finish_reason":null}]}'),
        (CHAT, b'{"type":"message","content":[{"type":"text","text":"x"}],"stop_reason":null}'),
    ):
        way = lane(client)
        way.whole(body)
        assert [loss.path for loss in way.losses] == ["answer.stop_reason"]


def test_a_stop_for_calls_without_a_call_is_a_plain_end():
    events = to_messages(ROLE, speech_of("x"), chat_chunk({}, "tool_calls"), DONE)
    assert stop_of(events) == "end_turn"


def test_an_error_event_is_a_failure_and_what_came_before_it_counts():
    way = lane(MESSAGES)
    error = data({"error": {"message": f"no more {SECRET}", "type": "server_error"}})
    out = way.feed(ROLE + speech_of("x") + error + speech_of("y") + STOP + DONE)
    assert isinstance(way.failure, Rejected)
    assert SECRET not in way.failure.info.message
    assert way.content
    assert not way.ended
    assert b'"x"' in out
    assert b'"y"' not in out
    assert b"message_stop" not in out
    [told] = read(way.fail(way.failure.info))
    assert told["type"] == "error"


def test_an_error_event_of_messages_is_a_failure_too():
    way = lane(CHAT)
    error = {"type": "overloaded_error", "message": "Overloaded"}
    way.feed(START + event({"type": "error", "error": error}))
    assert isinstance(way.failure, Rejected)
    assert way.failure.reason == "upstream_overloaded"
    assert not way.content
    assert b"[DONE]" not in way.fail(way.failure.info)


def test_an_error_inside_a_chunk_with_choices_is_an_error():
    way = lane(MESSAGES)
    way.feed(ROLE + chat_chunk({"content": "x"}, error={"message": "gone", "code": 502}))
    assert way.failure is not None


def test_the_finish_reason_error_is_an_error():
    way = lane(MESSAGES)
    way.feed(ROLE + speech_of("x") + chat_chunk({}, "error"))
    assert way.failure is not None


def test_a_failed_finish_beside_an_error_leaves_it_its_words():
    way = lane(MESSAGES)
    error = {"message": "the model crashed", "code": "server_crash"}
    way.feed(ROLE + speech_of("x") + chat_chunk({}, "error", error=error))
    assert isinstance(way.failure, Rejected)
    assert (way.failure.info.message, way.failure.info.code) == (
        "the model crashed",
        "server_crash",
    )


@pytest.mark.parametrize(
    ("code", "reason", "status", "retryable"),
    [
        (429, "upstream_rate_limited", 429, True),
        ("429", "upstream_rate_limited", 429, True),
        (401, "upstream_auth", 502, True),
        (402, "upstream_auth", 502, True),
        (400, "upstream_refused", 400, False),
        (404, "upstream_refused", 404, False),
        (503, "upstream_overloaded", 503, True),
        (500, "upstream_error", 502, True),
        (7, "upstream_error", 502, True),
    ],
)
def test_a_status_as_the_code_of_an_error_says_what_it_is(code, reason, status, retryable):
    body = data({"error": {"message": "too long", "code": code}})
    way = lane(MESSAGES)
    way.feed(body)
    with pytest.raises(Rejected) as whole:
        lane(MESSAGES).whole(body[6:])
    for failure in (way.failure, whole.value):
        assert isinstance(failure, Rejected)
        assert (failure.reason, failure.info.status) == (reason, status)
        assert failure.retryable is retryable


def test_a_request_that_is_refused_in_the_stream_is_not_tried_elsewhere():
    way = lane(CHAT)
    error = {"type": "invalid_request_error", "message": "prompt is too long"}
    way.feed(event({"type": "error", "error": error}))
    assert isinstance(way.failure, Rejected)
    assert (way.failure.reason, way.failure.retryable) == ("upstream_refused", False)
    assert way.failure.info.message == "prompt is too long"


def test_an_error_after_the_finish_reason_changes_nothing():
    error = data({"error": {"message": "late"}})
    events = to_messages(ROLE, speech_of("x"), STOP, error)
    assert events[-1] == {"type": "message_stop"}


def test_a_few_broken_events_are_passed_over_and_more_are_not():
    broken = b"data: {nonsense\n\n"
    way = lane(MESSAGES)
    events = read(carry(way, [ROLE, broken, broken, broken, speech_of("x"), STOP, DONE]))
    assert blocks_of(events) == [("text", "x")]
    assert [loss.path for loss in way.losses] == ["answer.content"]
    assert "not JSON" in _broke(ROLE + 4 * broken)


def test_what_came_in_one_read_before_its_stream_broke_is_passed_on():
    broken = 4 * b"data: {nonsense\n\n"
    way = lane(MESSAGES)
    out = way.feed(ROLE + speech_of("x") + broken + speech_of("y"))
    assert (b'"x"' in out, b'"y"' in out) == (True, False)
    assert isinstance(way.failure, Invalid)
    assert way.feed(speech_of("z")) == b""


def test_what_follows_the_end_in_one_read_is_not_looked_at():
    way = lane(MESSAGES)
    assert way.feed(ROLE + STOP + DONE + 9 * b"data: {nonsense\n\n").endswith(MESSAGE_STOP)
    assert (way.ended, way.failure) == (True, None)


def _broke(*chunks: bytes) -> str:
    """Why a stream is not taken; only the last of its chunks may break it."""
    way = lane(MESSAGES)
    for chunk in chunks:
        assert way.failure is None
        way.feed(chunk)
    assert isinstance(way.failure, Invalid)
    return str(way.failure)


def test_an_event_without_end_is_refused():
    assert "larger" in _broke(b"data: " + b"x" * (2**20 + 1))


def test_arguments_without_end_are_refused():
    begun = ROLE + calls(piece(0, "{", id="x", name="f"))
    assert "arguments" in _broke(begun, *[calls(piece(0, "x" * 2**19))] * 16)


def test_parts_without_end_are_refused():
    parts = [calls(piece(number, "{}", id=f"c{number}", name="f")) for number in range(257)]
    assert "parts" in _broke(*parts)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"<html>", b'{"choices": 7}', b'{"choices": []}']
)
@pytest.mark.parametrize("client", [CHAT, MESSAGES])
def test_a_whole_answer_that_is_none_is_invalid(client, body):
    with pytest.raises(Invalid):
        lane(client).whole(body)


@pytest.mark.parametrize("client", [CHAT, MESSAGES])
def test_an_error_in_a_whole_answer_is_a_failure(client):
    body = b'{"type":"error","error":{"type":"api_error","message":"gone"}}'
    with pytest.raises(Rejected):
        lane(client).whole(body)
