"""Bodies over LOG_MAX_BODY_SIZE: what is new stays, nothing of a secret does, and the mark is honest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from providers.wire.codec import Folded, WireFormat
from providers.wire.registry import CODECS
from tests.redaction.samples import KNOWN, SHAPES
from usage.record import Record
from usage.transcripts.capture import Capture
from usage.transcripts.conversation import join
from usage.transcripts.policy import Policy
from usage.transcripts.redact import KINDS, Redactor
from usage.transcripts.render import as_text, preview
from usage.transcripts.render_markdown import as_markdown
from usage.transcripts.said import said
from usage.transcripts.secrets import SecretFilter
from usage.transcripts.stored import Line, read_line
from usage.transcripts.view import View
from usage.transcripts.write import LineWriter

SECRETS = SecretFilter(KNOWN)
VALUES = [
    *KNOWN,
    *(value for _, value in SHAPES),
    "ada@example.com",
    "alice.lovelace@mail.example.org",
]


def fold(name: str, stream: bytes) -> Folded:
    return CODECS[WireFormat(name)].fold(stream)


def written(
    limit: int, request: bytes = b"{}", answer: bytes = b"", *, streamed: bool = False, **known: Any
) -> Line:
    """The line of an exchange that said this."""
    record = Record(
        exchange_id=bytes(16),
        started_at=0.0,
        client_format="openai.chat",
        outcome="completed",
        reason="ok",
    )
    for name, value in known.items():
        setattr(record, name, value)
    capture = Capture(Policy("full", 1.0, frozenset(KINDS)), record, limit)
    capture.request = request
    for at in range(0, len(answer), 4096):
        capture.hear(answer[at : at + 4096])
    capture.streamed = streamed
    writer = LineWriter(fold, lambda kinds, patterns: Redactor(kinds=kinds, secrets=SECRETS))
    return read_line(writer(capture), Path())


def asked(*contents: str, **more: Any) -> bytes:
    messages = [
        {"role": "assistant" if at % 2 else "user", "content": text}
        for at, text in enumerate(contents)
    ]
    return json.dumps({"model": "gpt-test", "messages": messages, **more}).encode()


def request_of(line: Line) -> dict[str, Any]:
    value: dict[str, Any] = line.head.bodies().read("request")
    return value


def answered(line: Line) -> str:
    """All that is kept of the answer, with its escapes read."""
    return json.dumps(line.head.bodies().read("response"), ensure_ascii=False)


@pytest.mark.parametrize("value", VALUES)
def test_wherever_a_text_is_cut_no_beginning_of_a_secret_stays(value: str):
    places = set()
    for before in range(830, 990):
        line = written(1024, asked("." * before + f" {value} " + "end of it " * 200))
        [message] = request_of(line)["messages"]
        assert value[:6] not in message["content"], before
        places.add("[hidden]" in message["content"] or "<EMAIL_1>" in message["content"])
    assert places == {True, False}, "it was cut before the secret, and after it"


@pytest.mark.parametrize("value", VALUES)
def test_nor_does_one_of_what_is_no_json(value: str):
    for before in range(1024 - len(value.encode()) - 2, 1026):
        page = f"{'.' * before} {value} {'end of it ' * 400}".encode()
        assert value[:6] not in answered(written(1024, answer=page)), before


@pytest.mark.parametrize("held", ["what came", "a part of what came"])
def test_an_address_that_is_written_with_escapes_is_hidden_where_the_body_is_cut(held: str):
    said = r'{"choices": [{"message": {"content": "write to ada\u0040example.com, '
    said += "x " * (1000 if held == "what came" else 20_000)
    whole = '"}}]}' if held == "what came" else ""
    kept = answered(written(1024, answer=(said + whole).encode()))
    assert "<EMAIL_1>" in kept
    assert "example.com" not in kept


def test_an_address_that_is_escaped_in_the_arguments_of_a_call_is_hidden_where_they_are_cut():
    arguments = r'{"to": "ada\u0040example.com", "text": "' + "x " * 2000 + '"}'
    [message] = request_of(written(1024, asked(arguments)))["messages"]
    assert message["content"].startswith('{"to": "<EMAIL_1>"')


def chunk(text: str, **more: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None, **more}
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-test",
    }
    return b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n"


END = chunk("", finish_reason="stop") + b"data: [DONE]\n\n"


def test_a_stream_counts_for_what_it_means_and_not_for_its_framing():
    stream = b"".join(chunk("word ") for _ in range(3000)) + END
    assert len(stream) > 256 * 2**10
    line = written(256 * 2**10, answer=stream, streamed=True)
    [turn] = said(line).answered
    assert len(turn.parts[0].text) == 15_000
    assert (line.head.partial, line.head.truncated["response"]) == (False, 0)


def test_a_streamed_answer_that_is_cut_did_not_break_off():
    stream = b"".join(chunk("word " * 20) for _ in range(50)) + END
    line = written(2048, answer=stream, streamed=True)
    [turn] = said(line).answered
    kept, _, mark = turn.parts[0].text.partition("[…")
    assert 1000 < len(kept) < 2048
    assert line.head.truncated["response"] == 5000 - len(kept)
    assert mark == f" {5000 - len(kept):,} bytes are left out]"
    assert not line.head.partial


@pytest.mark.parametrize(("outcome", "partial"), [("completed", False), ("abandoned", True)])
def test_of_a_stream_longer_than_what_is_held_the_record_says_whether_it_broke_off(
    outcome: str, partial: bool
):
    stream = b"".join(chunk("word " * 20) for _ in range(500)) + END
    line = written(2048, answer=stream, streamed=True, outcome=outcome)
    assert line.head.partial is partial
    assert line.head.truncated["response"] > 0


def test_of_a_long_request_the_settings_the_first_and_the_newest_messages_stay():
    texts = [f"message {at}: " + "word " * 50 for at in range(101)]
    line = written(8192, asked(*texts, temperature=0.5))
    kept = request_of(line)
    assert (kept["model"], kept["temperature"]) == ("gpt-test", 0.5)
    said_then = [
        message["content"] for message in kept["messages"] if message["role"] != "left_out"
    ]
    assert said_then[0] == texts[0]
    assert said_then[-1] == texts[-1]
    assert set(said_then) < set(texts), "each is whole"
    assert 7000 < len(json.dumps(kept)) <= 8192
    left_out = sum(len(json.dumps(message)) for message in json.loads(asked(*texts))["messages"])
    left_out -= sum(
        len(json.dumps(message)) for message in kept["messages"] if message["role"] != "left_out"
    )
    assert line.head.truncated["request"] == left_out
    [gap] = [message for message in kept["messages"] if message["role"] == "left_out"]
    number = 101 - len(said_then)
    assert gap["content"] == f"[… {number} messages, {left_out:,} bytes are left out]"
    assert preview(said(line)).startswith("message 100: ")


def test_the_last_words_of_a_user_stay_before_many_results_of_tools():
    texts = ["go on " * 40] * 20 + ["Fix the bug."] + ["result " * 40] * 40
    messages = [
        {"role": "user" if at <= 20 else "tool", "content": text} for at, text in enumerate(texts)
    ]
    body = json.dumps({"model": "gpt-test", "messages": messages}).encode()
    assert preview(said(written(4096, body))) == "Fix the bug."


def test_long_settings_leave_half_of_the_room_to_what_is_said():
    tools = [
        {"type": "function", "function": {"name": f"f{at}", "description": "d " * 2000}}
        for at in range(4)
    ]
    line = written(4096, asked("old " * 2000, "well", "What now?", tools=tools))
    kept = request_of(line)
    assert kept["messages"][-1]["content"] == "What now?"
    assert [tool["function"]["name"] for tool in kept["tools"]] == ["f0", "f1", "f2", "f3"]
    assert 2000 < len(json.dumps(kept)) <= 4096


def test_in_a_whole_conversation_a_long_request_shows_what_came_after_the_answer_before_it():
    texts = [f"message {at}: " + "word " * 50 for at in range(41)]
    lines = [written(4096, asked(*texts[:upto]), session="s") for upto in (37, 39, 41)]
    _, second, third = join(lines)
    said_then = [[turn.parts[0].text for turn in step.asked] for step in (second, third)]
    assert said_then == [[texts[38]], [texts[40]]]


def test_one_message_that_is_too_long_has_a_mark_where_its_end_is_missing():
    line = written(4096, asked("word " * 5000))
    [turn] = said(line).asked
    mark = f"[… {line.head.truncated['request']:,} bytes are left out]"
    assert turn.parts[0].text.endswith(f"wo{mark}") or turn.parts[0].text.endswith(mark)
    assert len(bytes(line.head.request)) <= 4096
    assert mark in "\n".join(as_text(line)).partition("── user")[2]
    assert mark in "\n".join(as_markdown(line))
    [shown] = View().exchange(line).turns
    assert shown.parts[0].text.folded[-1].text.endswith(mark)


def test_messages_that_are_missing_are_told_between_those_that_are_kept():
    texts = ["go on " * 40] * 20 + ["Fix the bug."] + ["result " * 40] * 40
    messages = [
        {"role": "user" if at <= 20 else "tool", "content": text} for at, text in enumerate(texts)
    ]
    line = written(4096, json.dumps({"model": "gpt-test", "messages": messages}).encode())
    told = "\n".join(as_text(line))
    before, bug, after = told.partition("Fix the bug.")
    assert bug
    assert before.count("bytes are left out]") == after.count("bytes are left out]") == 1
    assert "── left_out" not in told
    assert "left_out" not in "\n".join(as_markdown(line))
    titles = [turn.title for turn in View().exchange(line).turns]
    assert titles.count("Left out") == 2


@pytest.mark.parametrize("held", [True, False], ids=["whole", "in part"])
def test_what_is_no_json_has_a_mark_at_its_end(held: bool):
    kept = json.loads(answered(written(1024, answer=b"page " * (1000 if held else 10_000))))["text"]
    said_of = r"\[… [0-9,]+ bytes are left out\]$" if held else r"\[… the rest is left out\]$"
    assert re.search(said_of, kept)


def test_an_image_that_is_cut_is_named_as_such_and_not_shown():
    url = "data:image/png;base64," + "iVBORw0K" * 1000
    content = [{"type": "image_url", "image_url": {"url": url}}]
    body = {"model": "gpt-test", "messages": [{"role": "user", "content": content}]}
    line = written(1024, json.dumps(body).encode())
    [shown] = View().exchange(line).turns
    assert shown.parts[0].images == []
    assert re.search(r"image .* png \[… [0-9,]+ bytes are left out\]", "\n".join(as_text(line)))


def test_what_a_client_calls_left_out_is_shown_as_what_it_said():
    body = {"model": "m", "messages": [{"role": "left_out", "content": "nothing to see here"}]}
    told = "\n".join(as_text(written(4096, json.dumps(body).encode())))
    assert told.endswith("── left_out\nnothing to see here")
