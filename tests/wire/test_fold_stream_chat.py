"""What chunks of servers mean that say the same in other ways, or more than Chat Completions has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.wire.registry import CODECS
from tests.chaos.speech import CHAT_USAGE, DONE, chat_chunk, data
from tests.wire.pieces import ROLE, STOP, calls, piece, speech_of
from tests.wire.talk import CHAT

CLICK = {"type": "url_citation", "url_citation": {"url": "https://example.com", "title": "E"}}


def completion(*events: bytes, end: bytes = DONE) -> Any:
    return json.loads(CODECS[CHAT].fold(b"".join(events) + end).message)


def choice(*events: bytes) -> Any:
    [found] = completion(*events)["choices"]
    return found


def heard(*deltas: dict[str, Any]) -> Any:
    """The message of these deltas."""
    return choice(ROLE, *[chat_chunk(item) for item in deltas], STOP)["message"]


def called(*pieces: dict[str, Any]) -> Any:
    return heard(*[{"tool_calls": [item]} for item in pieces])["tool_calls"]


def call(identifier: str, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": identifier, "type": "function", "function": function}


def of(index: int | None, identifier: str, name: str, arguments: str) -> dict[str, Any]:
    return {**({} if index is None else {"index": index}), **call(identifier, name, arguments)}


def test_choices_are_told_apart_by_their_number():
    chunks = [
        data({"id": "c", "choices": [{"index": index, "delta": {"content": text}}]})
        for index, text in [(1, "b"), (0, "a"), (1, "B"), (0, "A")]
    ]
    both = data({"choices": [{"index": n, "delta": {"content": "!"}} for n in (0, 1)]})
    found = completion(*chunks, both)["choices"]
    assert [(item["index"], item["message"]["content"]) for item in found] == [
        (0, "aA!"),
        (1, "bB!"),
    ]


@pytest.mark.parametrize("name", ["content", "refusal", "reasoning_content", "reasoning", "new"])
def test_any_text_of_a_delta_goes_on(name):
    assert heard({name: "one "}, {name: ""}, {name: "two"}, {name: None})[name] == "one two"


def test_a_role_that_each_chunk_says_is_said_once():
    found = heard(*[{"role": "assistant", "content": text} for text in "abc"])
    assert (found["role"], found["content"]) == ("assistant", "abc")


CALLS_OF_SERVERS: dict[str, list[dict[str, Any]]] = {
    "pieces": [piece(0, id="a", name="f", type="function"), piece(0, '{"x"'), piece(0, ":1}")],
    "mixed pieces": [of(0, "a", "f", '{"x"'), of(1, "b", "g", "{"), piece(0, ":1}"), piece(1, "}")],
    "all said in each piece": [of(0, "a", "f", '{"x"'), of(0, "a", "f", ":1}")],
    "whole calls": [of(0, "a", "f", '{"x":1}'), of(1, "b", "g", "{}")],
    "whole calls under one index": [of(0, "a", "f", '{"x":1}'), of(0, "b", "g", "{}")],
    "whole calls without index": [of(None, "a", "f", '{"x":1}'), of(None, "b", "g", "{}")],
    "pieces without index": [of(None, "a", "f", '{"x"'), piece(None, ":1}")],
    "an object for arguments": [
        {
            "index": 0,
            "id": "a",
            "type": "function",
            "function": {"name": "f", "arguments": {"x": 1}},
        }
    ],
    "no type": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x":1}'}}],
    "an id that is the word null": [of(None, "a", "f", '{"x"'), piece(None, ":1}", id="null")],
    "a name that comes late": [piece(0, id="a", type="function"), piece(0, '{"x":1}', name="f")],
}


@pytest.mark.parametrize("pieces", CALLS_OF_SERVERS.values(), ids=CALLS_OF_SERVERS)
def test_calls_are_put_together_however_servers_send_them(pieces):
    first, *others = called(*pieces)
    assert first == call("a", "f", '{"x":1}')
    assert others in ([], [call("b", "g", "{}")])


def test_several_pieces_of_a_call_may_come_in_one_chunk():
    pieces = [of(0, "a", "f", "{"), piece(0, "}"), of(1, "b", "g", "{}")]
    assert choice(ROLE, calls(*pieces), STOP)["message"]["tool_calls"] == [
        call("a", "f", "{}"),
        call("b", "g", "{}"),
    ]


def test_a_message_of_calls_has_no_text_beside_them():
    assert choice(ROLE, calls(of(0, "a", "f", "{}")), STOP)["message"]["content"] is None


def test_the_legacy_function_call_is_put_together():
    found = heard(
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": '{"x"'}},
        {"function_call": {"arguments": ":1}"}},
    )
    assert found["function_call"] == {"name": "f", "arguments": '{"x":1}'}


def test_audio_is_put_together():
    found = heard(
        {"audio": {"id": "a", "transcript": "Hel"}},
        {"audio": {"data": "AAAA"}},
        {"audio": {"transcript": "lo", "data": "BBBB"}},
        {"audio": {"expires_at": 5}},
    )
    assert found["audio"] == {"id": "a", "transcript": "Hello", "data": "AAAABBBB", "expires_at": 5}


def test_log_probabilities_follow_each_other_also_equal_ones():
    token = {"token": "ha", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    chunk = {"index": 0, "delta": {"content": "ha"}, "finish_reason": None}
    chunk["logprobs"] = {"content": [token], "refusal": None}
    found = choice(*[data({"choices": [chunk]})] * 3, STOP)
    assert found["message"]["content"] == "hahaha"
    assert found["logprobs"] == {"content": [token] * 3, "refusal": None}


def test_annotations_follow_each_other_without_their_numbers():
    found = heard({"annotations": [{**CLICK, "index": 0}]}, {"annotations": [CLICK, CLICK]})
    assert found["annotations"] == [CLICK] * 3


def test_pieces_of_a_list_are_put_together_by_their_numbers():
    """OpenRouter's reasoning; its numbers are in answers without a stream, too."""
    detail = {"type": "reasoning.text", "index": 0, "format": "x-v1"}
    found = heard(
        {"reasoning_details": [{**detail, "text": "Let "}]},
        {"reasoning_details": [{**detail, "text": "me."}]},
        {"reasoning_details": [{**detail, "signature": "s"}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "index": 0, "data": "d"}]},
    )
    assert found["reasoning_details"] == [
        {**detail, "text": "Let me.", "signature": "s"},
        {"type": "reasoning.encrypted", "index": 0, "data": "d"},
    ]


def test_content_that_is_a_list_keeps_its_parts_in_order():
    """Mistral thinks in a list, and goes on in plain text."""

    def thought(text: str) -> dict[str, Any]:
        return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}

    found = heard(thought("Let "), thought("me."), {"content": "So"}, {"content": ": 4."})
    assert found["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Let me."}]},
        {"type": "text", "text": "So: 4."},
    ]


def test_parts_that_are_no_text_stay_apart():
    image = {"type": "image_url", "image_url": {"url": "https://example.com"}}
    assert heard({"content": [image, image]}, {"content": [image]})["content"] == [image] * 3


def test_the_last_usage_counts_and_null_is_none():
    counts = [{"prompt_tokens": 11, "completion_tokens": n, "total_tokens": 11 + n} for n in (1, 7)]
    found = completion(
        ROLE,
        chat_chunk({"content": "a"}, usage=counts[0]),
        chat_chunk({"content": "b"}, usage=counts[1]),
        chat_chunk({}, "stop", usage=None),
    )
    assert found["usage"] == CHAT_USAGE
    assert "usage" not in completion(ROLE, chat_chunk({"content": "a"}, usage=None), STOP)


def test_what_is_said_beside_the_choices_is_kept_and_the_last_word_counts():
    found = completion(
        data({"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": [1]}),
        chat_chunk({"content": "a"}, service_tier="default", system_fingerprint=None),
        chat_chunk({"content": "b"}, x_thing=1, citations=["u"], obfuscation="aXb"),
        chat_chunk({"content": "c"}, x_thing=2, obfuscation="Q", system_fingerprint="fp"),
        chat_chunk({}, "stop", service_tier=None),
        data({"id": "another", "model": "", "created": 1, "choices": []}),
    )
    assert found["object"] == "chat.completion"
    assert (found["id"], found["created"]) == ("chatcmpl-1", 1700000000)
    assert (found["prompt_filter_results"], found["citations"]) == ([1], ["u"])
    assert (found["service_tier"], found["system_fingerprint"]) == ("default", "fp")
    assert (found["x_thing"], found["choices"][0]["message"]["content"]) == (2, "abc")
    assert "obfuscation" not in found


def test_what_is_said_beside_a_delta_is_kept():
    """Content filters of Azure come in parts; vLLM says which token stopped it."""
    chunks = [
        {
            "index": 0,
            "delta": {"content": "a"},
            "content_filter_results": {"hate": {"filtered": 0}},
        },
        {"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": 7, "token_ids": [1]},
        {"index": 0, "delta": {}, "content_filter_results": {"sexual": {}}, "token_ids": [2]},
    ]
    found = choice(*[data({"choices": [item]}) for item in chunks])
    assert found["content_filter_results"] == {"hate": {"filtered": 0}, "sexual": {}}
    assert (found["finish_reason"], found["stop_reason"]) == ("stop", 7)
    assert found["token_ids"] == [1, 2]


@pytest.mark.parametrize("end", [b"", DONE])
def test_an_error_in_a_stream_is_kept_and_the_message_partial(end):
    error = {"message": "Gone", "code": 502}
    stream = ROLE + speech_of("Hel") + data({"error": error, "choices": []}) + end
    message, partial = CODECS[CHAT].fold(stream)
    assert partial
    found = json.loads(message)
    assert found["error"] == error
    assert found["choices"][0]["message"]["content"] == "Hel"


def test_an_event_named_error_is_one_whatever_it_says():
    found = json.loads(CODECS[CHAT].fold(ROLE + b'event: error\ndata: {"message":"x"}\n\n').message)
    assert found["error"] == {"message": "x"}


def test_nothing_is_read_after_the_end():
    assert choice(ROLE, speech_of("a"), STOP, DONE, speech_of("b"))["message"]["content"] == "a"


def test_comments_and_other_fields_say_nothing():
    odd = b": keep-alive\n\nretry: 5\n\n:\nid: 7\ndata: "
    stream = b"\xef\xbb\xbf\n\n" + odd + odd.join((ROLE + speech_of("a") + STOP).split(b"data: "))
    assert choice(stream)["message"]["content"] == "a"
    assert choice(b"\xef\xbb\xbf" + speech_of("a"), speech_of("b"))["message"]["content"] == "ab"


def test_an_event_that_is_no_json_is_left_out():
    assert choice(ROLE, speech_of("a"), b"data: {no\n\n", speech_of("b"))["message"]["content"] == (
        "ab"
    )


def test_an_event_of_several_lines_is_read():
    lines = b'data: {"choices": [{"index": 0,\ndata: "delta": {"content": "a"}}]}\n\n'
    assert choice(lines, lines)["message"]["content"] == "aa"
