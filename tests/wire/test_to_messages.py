"""Chat Completions chunks, told to a client of Messages."""

from __future__ import annotations

import json

import pytest

from tests.chaos import speech
from tests.chaos.speech import DONE, chat_chunk, chat_usage, data
from tests.wire.pieces import ROLE, STOP, blocks_of, calls, piece, speech_of, stop_of, to_messages
from tests.wire.talk import IDENTIFIER, MESSAGES, carry, lane, read, sent


def test_a_plain_answer_is_one_block_between_start_and_stop():
    events = to_messages(*speech.chat_events())
    assert [item["type"] for item in events[:2]] == ["message_start", "content_block_start"]
    assert events[0]["message"]["id"] == f"msg_{IDENTIFIER}"
    assert events[0]["message"]["model"] == "gpt-test"
    assert blocks_of(events) == [("text", speech.TEXT)]
    assert events[-2]["usage"]["input_tokens"] == 11
    assert events[-2]["usage"]["output_tokens"] == 7
    assert events[-1] == {"type": "message_stop"}


def test_every_event_is_named_by_its_type():
    out = carry(lane(MESSAGES), speech.chat_events(calls=[("a", "f", {"x": 1})]))
    lines = out.splitlines()
    named = [line[7:] for line in lines if line.startswith(b"event: ")]
    typed = [json.loads(line[6:])["type"] for line in lines if line.startswith(b"data: ")]
    assert [name.decode() for name in named] == typed


def test_interleaved_calls_become_blocks_one_after_another():
    events = to_messages(
        ROLE,
        calls(piece(0, '{"a"', id="x", name="first")),
        calls(piece(1, '{"b"', id="y", name="second")),
        calls(piece(0, ":1}"), piece(1, ":")),
        calls(piece(1, "2}")),
        chat_chunk({}, "tool_calls"),
        DONE,
    )
    assert blocks_of(events) == [
        ("tool_use", 'first{"a":1}'),
        ("tool_use", 'second{"b":2}'),
    ]


def test_a_call_streams_on_as_soon_as_the_one_before_is_whole():
    way = lane(MESSAGES)
    way.feed(ROLE + calls(piece(0, "{}", id="x", name="first")))
    out = way.feed(calls(piece(1, '{"b":', id="y", name="second")))
    assert [item["type"] for item in read(out)] == [
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(0, '{"n":1}', id="x", name="f"), piece(0, '{"n":2}', id="y", name="f")],
        [piece(None, '{"n":1}', id="x", name="f"), piece(None, '{"n":2}', id="y", name="f")],
        [piece(None, '{"n":1}', name="f"), piece(None, '{"n":2}', name="f")],
        [piece(0, '{"n":1}', id="null", name="f"), piece(1, '{"n":2}', id="null", name="f")],
    ],
    ids=["one index for all", "no index", "neither index nor id", "the id null"],
)
def test_calls_are_told_apart_however_servers_number_them(pieces):
    for chunks in ([calls(*pieces)], [calls(one) for one in pieces]):
        events = to_messages(ROLE, *chunks, STOP, DONE)
        assert [text for _, text in blocks_of(events)] == ['f{"n":1}', 'f{"n":2}']
        starts = [e["content_block"] for e in events if e["type"] == "content_block_start"]
        assert len({block["id"] for block in starts} - {"null", None, ""}) == 2


@pytest.mark.parametrize("number", [0, None])
def test_a_call_waits_for_its_name_and_keeps_what_came_before_it(number):
    first = piece(number, '{"n"', id="x", extra_content={"google": {"thought_signature": "sig"}})
    rest = [piece(number, ":1}", name="f"), piece(number, " ")]
    way = lane(MESSAGES)
    events = read(carry(way, [ROLE, calls(first), *map(calls, rest), STOP, DONE]))
    assert blocks_of(events) == [("thinking", ""), ("tool_use", 'f{"n":1} ')]
    assert [e["content_block"].get("id") for e in events if "content_block" in e] == [None, "x"]
    assert not way.losses


def test_a_call_that_never_gets_a_name_is_left_out_and_reported():
    way = lane(MESSAGES)
    events = read(carry(way, [ROLE, speech_of("x"), calls(piece(0, "{}", id="x")), STOP, DONE]))
    assert (blocks_of(events), stop_of(events)) == ([("text", "x")], "end_turn")
    assert [loss.path for loss in way.losses] == ["answer.content"]


def test_an_id_that_the_history_or_the_answer_has_already_is_replaced():
    used = {"type": "tool_use", "id": "call_0", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "call_0", "content": "r"}
    history = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [used]},
        {"role": "user", "content": [result]},
    ]
    twice = [calls(piece(n, "{}", id=i, name="f")) for n, i in enumerate(["call_0", "a", "a"])]
    events = read(carry(lane(MESSAGES, messages=history), [ROLE, *twice, STOP, DONE]))
    ids = [e["content_block"]["id"] for e in events if "content_block" in e]
    assert len(set(ids)) == 3
    assert "call_0" not in ids
    assert ids[1] == "a"


def test_null_as_arguments_is_no_arguments():
    call = piece(0, "null", id="x", name="f")
    assert blocks_of(to_messages(ROLE, calls(call), STOP, DONE)) == [("tool_use", "f")]
    body = {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "stop"}]}
    [block] = json.loads(lane(MESSAGES).whole(json.dumps(body).encode()))["content"]
    assert block["input"] == {}


def test_pieces_without_an_index_go_on_with_the_last_call():
    first = piece(None, '{"n"', id="x", name="f")
    events = to_messages(ROLE, calls(first), calls(piece(None, ":1}")), STOP, DONE)
    assert blocks_of(events) == [("tool_use", 'f{"n":1}')]


def test_a_call_makes_the_stop_reason_whatever_the_server_says():
    events = to_messages(ROLE, calls(piece(0, "{}", id="x", name="f")), STOP, DONE)
    assert stop_of(events) == "tool_use"


def test_a_call_cut_off_at_the_length_keeps_its_reason():
    cut = calls(piece(0, '{"a": "b', id="x", name="f"))
    events = to_messages(ROLE, cut, chat_chunk({}, "length"), DONE)
    assert stop_of(events) == "max_tokens"
    assert blocks_of(events) == [("tool_use", 'f{"a": "b')]


def test_arguments_that_come_as_an_object_are_written_as_text():
    call = {"index": 0, "id": "x", "function": {"name": "f", "arguments": {"a": 1}}}
    events = to_messages(ROLE, calls(call), STOP, DONE)
    assert blocks_of(events) == [("tool_use", 'f{"a":1}')]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_a_block_with_an_empty_signature_before_the_text(name):
    events = to_messages(
        ROLE, chat_chunk({name: "Hm"}), chat_chunk({name: "."}), speech_of("Yes"), STOP, DONE
    )
    assert blocks_of(events) == [("thinking", "Hm."), ("text", "Yes")]
    deltas = [e["delta"] for e in events if e["type"] == "content_block_delta"]
    assert {"type": "signature_delta", "signature": ""} in deltas


def test_reasoning_said_twice_is_read_once():
    delta = {
        "reasoning": "Hm.",
        "reasoning_content": "Hm.",
        "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}],
    }
    assert blocks_of(to_messages(ROLE, chat_chunk(delta), STOP, DONE)) == [("thinking", "Hm.")]


def test_a_content_that_is_a_list_is_read_part_by_part():
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Yes."},
    ]
    events = to_messages(ROLE, chat_chunk({"content": content}), STOP, DONE)
    assert blocks_of(events) == [("thinking", "Hm."), ("text", "Yes.")]


def test_a_refusal_is_text_and_a_stop_reason():
    events = to_messages(ROLE, chat_chunk({"refusal": "No."}), STOP, DONE)
    assert blocks_of(events) == [("text", "No.")]
    assert stop_of(events) == "refusal"


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("model_length", "model_context_window_exceeded"),
        ("brand_new", "end_turn"),
    ],
)
def test_stop_reasons(finish, reason):
    way = lane(MESSAGES)
    events = read(carry(way, [ROLE, speech_of("x"), chat_chunk({}, finish), DONE]))
    assert stop_of(events) == reason
    assert bool(way.losses) is (finish == "brand_new")


def test_empty_pieces_are_no_content():
    way = lane(MESSAGES)
    way.feed(ROLE + speech_of("") + chat_chunk({"reasoning_content": "", "tool_calls": []}))
    assert not way.content
    way.feed(speech_of("x"))
    assert way.content


def test_an_empty_answer_is_legal():
    events = to_messages(ROLE, STOP, DONE)
    assert [item["type"] for item in events] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]


def test_azure_begins_with_no_choices_and_no_id():
    first = data({"id": "", "model": "", "choices": [], "prompt_filter_results": [{}]})
    events = to_messages(first, *speech.chat_events())
    assert events[0]["message"]["model"] == "gpt-test"
    assert blocks_of(events) == [("text", speech.TEXT)]


def test_comments_are_pings_once_the_message_has_begun():
    comment = b": OPENROUTER PROCESSING\n\n"
    events = to_messages(comment, ROLE, comment, speech_of("x"), STOP, DONE)
    assert [item["type"] for item in events].count("ping") == 1
    assert events[0]["type"] == "message_start"


@pytest.mark.parametrize(
    "ending",
    [
        [STOP, chat_usage({"prompt_tokens": 9, "completion_tokens": 4})],
        [chat_chunk({}, "stop", usage={"prompt_tokens": 9, "completion_tokens": 4})],
        [
            chat_chunk({}, "stop"),
            data(
                {
                    "choices": [],
                    "x_groq": {"usage": {"prompt_tokens": 9, "completion_tokens": 4}},
                }
            ),
        ],
        [
            chat_chunk({"content": "y"}, usage={"prompt_tokens": 9, "completion_tokens": 1}),
            chat_chunk({}, "stop", usage={"completion_tokens": 4}),
        ],
    ],
    ids=["own chunk", "finish chunk", "groq", "cumulative"],
)
def test_usage_is_found_wherever_it_stands(ending):
    events = to_messages(ROLE, speech_of("x"), *ending, DONE)
    assert events[-2]["usage"]["input_tokens"] == 9
    assert events[-2]["usage"]["output_tokens"] == 4


def test_cached_input_stands_beside_the_input_and_reasoning_within_the_output():
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    events = to_messages(ROLE, speech_of("x"), STOP, chat_usage(usage), DONE)
    written = events[-2]["usage"]
    assert (written["input_tokens"], written["cache_read_input_tokens"]) == (40, 60)
    assert written["output_tokens_details"] == {"thinking_tokens": 30}


def test_googles_state_of_a_call_travels_in_a_block_before_it():
    call = piece(0, "{}", id="x", name="f")
    call["extra_content"] = {"google": {"thought_signature": "sig"}}
    events = to_messages(ROLE, calls(call), STOP, DONE)
    assert [kind for kind, _ in blocks_of(events)] == ["thinking", "tool_use"]
    [signed] = [e["delta"]["signature"] for e in events if "signature" in e.get("delta", {})]
    turn = [
        {"type": "thinking", "thinking": "", "signature": signed},
        {"type": "tool_use", "id": "x", "name": "f", "input": {}},
    ]
    back = sent(
        MESSAGES,
        {
            "max_tokens": 9,
            "messages": [
                {"role": "user", "content": "x"},
                {"role": "assistant", "content": turn},
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "x", "content": "y"}],
                },
            ],
        },
    )
    [returned] = back["messages"][1]["tool_calls"]
    assert returned["extra_content"] == {"google": {"thought_signature": "sig"}}


STATE = {"type": "reasoning.encrypted", "data": "abc"}


@pytest.mark.parametrize(
    ("delta", "more", "loss"),
    [
        ({"reasoning_details": [STATE]}, {}, ("answer.reasoning", "hint")),
        ({"reasoning": "Hm", "reasoning_details": [STATE]}, {}, ("answer.reasoning", "hint")),
        ({"images": [{"type": "image_url"}]}, {}, ("answer.content", "meaning")),
        ({"content": [{"type": "image_url"}]}, {}, ("answer.content", "meaning")),
        ({"content": [{"type": "reference"}]}, {}, ("answer.content", "meaning")),
        ({"content": "x"}, {"citations": ["https://example.com"]}, ("answer.content", "meaning")),
    ],
)
def test_what_a_messages_client_cannot_be_given_is_reported_once(delta, more, loss):
    way = lane(MESSAGES)
    carry(way, [ROLE, chat_chunk(delta, **more), chat_chunk(delta, **more), STOP, DONE])
    assert [(found.path, found.weight) for found in way.losses] == [loss]
    body = {"choices": [{"message": delta, "finish_reason": "stop"}], **more}
    way = lane(MESSAGES)
    way.whole(json.dumps(body).encode())
    assert [(found.path, found.weight) for found in way.losses] == [loss]


def test_pieces_that_have_no_place_are_reported():
    second = data({"choices": [{"index": 1, "delta": {"content": "or"}, "finish_reason": None}]})
    late = piece(0, "", extra_content={"google": {"thought_signature": "late"}})
    for stray in ([second], [calls(piece(0, "{}", id="x", name="f")), calls(late)]):
        way = lane(MESSAGES)
        carry(way, [ROLE, *stray, STOP, DONE])
        assert [loss.path for loss in way.losses] == ["answer.content"]
