"""What lines look like, and that whatever is in one, it stays one line."""

from __future__ import annotations

import io
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxyproject.log_formats import MOST_CHARACTERS, encoder
from proxyproject.logs import DiscreetRecord, OutputsHandler
from routing import in_hand
from routing.log_lines import Line, RequestLine
from tests.logs.shelf import lines, outputs
from usage.keys import make_key
from usage.record import AttemptRecord, Record

NASTY = (
    "two\nlines",
    "two\r\nlines",
    "\x1b[31mred\x1b[0m",
    "\x9b31mred",  # the same as one C1 control
    "\x00\x07\x08\x7f",
    "line\u2028paragraph\u2029next\x85line\x1c\x1d\x1e",
    "\u202egnol\u202c \u2066x\u2069",
    '2026-11-26 10:00:00.000Z INFO forged\n{"event":"request","outcome":"completed"}',
    "half a character \ud800 and \udcff",
    b"\xff\xfe\x00binary".decode("latin-1"),
    b"\xff\xfe".decode("utf-8", "surrogateescape"),
)
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def said(**more: Any) -> dict[str, Any]:
    return {"time": 1795687872.1234, "level": "info", "event": "log", "logger": "a.b", **more}


def request(**changed: Any) -> RequestLine:
    attempt = AttemptRecord("openai", "*", "gpt-4o", "main", 200, "ok", 411.9)
    fields: dict[str, Any] = {
        "client_key_name": "ci",
        "provider_name": "openai",
        "original_model": "fast",
        "request_model": "gpt-4o",
        "outcome": "completed",
        "reason": "ok",
        "status": 200,
        "first_content_ms": 412.6,
        "total_ms": 1730.2,
        "input_tokens": 812,
        "output_tokens": 96,
        "attempts": [attempt],
        **changed,
    }
    record = Record(exchange_id=bytes(16), started_at=1795687870.3932, **fields)
    return RequestLine(record, "019aa5d2-0000-7000-8000-000000000000", "")


def pretty(line: Line, colour: bool = False) -> str:
    return encoder("pretty", colour)(line).decode()


def as_json(line: Line) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(encoder("json", False)(line))
    return read


def test_a_request_for_people_says_how_it_ended_whose_it_was_and_where_it_went():
    assert pretty(request()) == (
        "2026-11-26 10:11:12.123Z INFO    request 200 completed ok ci fast > openai/gpt-4o "
        "812+96 tokens 1730 ms (413 ms to content) 019aa5d2-0000-7000-8000-000000000000\n"
    )


def test_a_request_that_failed_says_to_people_why():
    told = "The provider could not be reached: TLS failed."
    attempt = AttemptRecord("openai", "*", "gpt-4o", "main", 0, "connect", 4.1, detail=told)
    line = request(attempts=[attempt], outcome="failed", reason="connect", status=502)
    assert "502 failed connect ci fast" in pretty(line)
    assert told in pretty(line)
    assert as_json(line)["attempts"][0]["detail"] == told


def test_a_request_for_machines_has_all_that_operators_ask_for_by_name():
    line = request(
        client_request_id="mine",
        team_name="core",
        rule_name="fast",
        deployment="*",
        client_format="openai.chat",
        upstream_format="anthropic.messages",
        response_model="gpt-4o-2024-08-06",
        stream=True,
        request_bytes=1,
        response_bytes=2,
        cached_input_tokens=3,
        reasoning_tokens=4,
        cost_nano=5,
    )
    line.trace_id = "trace"
    found = as_json(line)
    assert found.pop("pid") == os.getpid()
    assert found == {
        "time": "2026-11-26T10:11:12.123Z",
        "level": "info",
        "event": "request",
        "exchange_id": "019aa5d2-0000-7000-8000-000000000000",
        "client_request_id": "mine",
        "trace_id": "trace",
        "client_key": "ci",
        "team": "core",
        "rule": "fast",
        "provider": "openai",
        "deployment": "*",
        "client_format": "openai.chat",
        "upstream_format": "anthropic.messages",
        "model": "fast",
        "request_model": "gpt-4o",
        "response_model": "gpt-4o-2024-08-06",
        "stream": True,
        "outcome": "completed",
        "reason": "ok",
        "status": 200,
        "first_content_ms": 412.6,
        "total_ms": 1730.2,
        "request_bytes": 1,
        "response_bytes": 2,
        "input_tokens": 812,
        "output_tokens": 96,
        "cached_input_tokens": 3,
        "reasoning_tokens": 4,
        "cost_nano": 5,
        "attempts": [
            {
                "provider": "openai",
                "deployment": "*",
                "model": "gpt-4o",
                "credential": "main",
                "status": 200,
                "reason": "ok",
                "ms": 411.9,
                "why": "",
                "detail": "",
            }
        ],
    }


def test_a_request_that_reached_nobody_can_be_shown():
    line = request(
        provider_name="", attempts=[], first_content_ms=None, status=404, outcome="refused"
    )
    assert ">" not in pretty(line)
    assert as_json(line)["attempts"] == []


def test_colours_are_for_terminals():
    assert pretty(request(), colour=True).startswith("\x1b[32m2026")
    assert pretty(request(outcome="failed"), colour=True).startswith("\x1b[31m2026")
    assert "\x1b" not in pretty(request())


def test_a_traceback_goes_on_below_its_line_for_people_and_within_it_for_machines():
    line = said(message="it failed", exception="Traceback\n  here\nError: a\x1b[2Jb\r\nforged")
    first, *rest = pretty(line).splitlines()
    assert first.endswith("a.b it failed")
    assert rest == ["    | Traceback", "    |   here", "    | Error: a\\x1b[2Jb", "    | forged"]
    assert encoder("json", False)(line).count(b"\n") == 1
    assert as_json(line)["exception"] == line["exception"]


@pytest.mark.parametrize("text", NASTY, ids=ascii)
def test_one_line_stays_one_line(text: str):
    for name in ("json", "pretty"):
        for line in (
            said(message=text),
            request(original_model=text, client_key_name=text),
            said(logger=text),
        ):
            data = encoder(name, False)(line)
            assert len(data.decode().splitlines()) == 1
            assert not UNSAFE.search(data.decode())
    if not any("\ud800" <= mark <= "\udfff" for mark in text):
        assert as_json(said(message=text))["message"] == text


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a machine may be busy
@given(st.text(st.characters()), st.dictionaries(st.text(st.characters()), st.text(), max_size=3))
def test_one_line_stays_one_line_whatever_it_holds(text: str, more: dict[str, str]):
    line = {**more, **said(message=text)}
    for name in ("json", "pretty"):
        data = encoder(name, False)({**line, "exception": ""})
        assert len(data.decode().splitlines()) == 1
        assert not UNSAFE.search(data.decode())
    json.loads(encoder("json", False)(line))


@pytest.mark.parametrize("name", ["json", "pretty"])
def test_many_lines_at_once_are_what_each_is_by_itself(name: str):
    texts = [text for text in NASTY if not any("\ud800" <= mark <= "\udfff" for mark in text)]
    said_of_each = [said(message=text, exception=f"{text}\n{text}") for text in texts]
    requests = [request(original_model=text, total_ms=at * 0.7) for at, text in enumerate(texts)]
    lines: list[Line] = [*said_of_each, *requests]
    encode = encoder(name, False)
    assert encode.all(lines) == [encode(line) for line in lines]


@contextmanager
def logger_into(directory: Path) -> Iterator[logging.Logger]:
    """A logger that writes into a log of the test's own."""
    made = outputs(directory)
    logger = logging.Logger("test.logger")  # outside the tree: none else hears it
    logger.addHandler(OutputsHandler(made))
    yield logger
    made.stop()


def test_what_a_logger_says_is_a_line_with_level_name_and_message(tmp_path: Path):
    with logger_into(tmp_path) as logger:
        logger.warning("%d of %s", 3, "ten")
    [line] = lines(tmp_path)
    assert (line["level"], line["event"]) == ("warning", "log")
    assert (line["logger"], line["message"]) == ("test.logger", "3 of ten")


def test_a_line_said_on_the_way_of_a_request_bears_its_id(tmp_path: Path):
    with logger_into(tmp_path) as logger:
        logger.info("before")
        token = in_hand.marks.set(in_hand.Marks("id-1", "trace-1"))
        logger.info("meanwhile")
        in_hand.marks.reset(token)
    before, meanwhile = lines(tmp_path)
    assert "exchange_id" not in before
    assert (meanwhile["exchange_id"], meanwhile["trace_id"]) == ("id-1", "trace-1")


def test_a_key_is_hidden_in_message_arguments_and_traceback(tmp_path: Path):
    key = make_key()
    other = io.StringIO()
    with logger_into(tmp_path) as logger:
        logger.addHandler(logging.StreamHandler(other))  # such as those of a server
        logger.info("said %s", key)
        logger.info(f"said {key}")
        logger.info("said %(key)s", {"key": key})
        try:
            raise ValueError(key)
        except ValueError:
            logger.exception("failed", stack_info=True)
    told = other.getvalue() + "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert key not in told
    assert told.count("[hidden]") >= 8
    assert lines(tmp_path)[3]["exception"].startswith("Traceback")


def test_a_slip_in_a_log_call_fails_nothing_and_is_seen(tmp_path: Path):
    class Silent:
        def __str__(self) -> str:
            raise RuntimeError

    with logger_into(tmp_path) as logger:
        logger.info("%d apples", "many")
        logger.info(Silent())
    assert [line["message"] for line in lines(tmp_path)] == [
        "%d apples (its arguments do not fit)",
        "Silent (its arguments do not fit)",
    ]


def test_a_text_without_end_is_cut_and_says_so(tmp_path: Path):
    with logger_into(tmp_path) as logger:
        logger.info("x" * 10_000_000)
    [line] = lines(tmp_path)
    assert len(line["message"]) < MOST_CHARACTERS + 100
    assert line["message"].endswith(f"… ({10_000_000 - MOST_CHARACTERS} more characters)")


def test_records_of_every_logger_are_discreet():
    assert logging.getLogRecordFactory() is DiscreetRecord
