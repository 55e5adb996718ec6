"""What a request may not lose silently: refusals, losses, strictness, names and ids."""

from __future__ import annotations

import pytest

from providers.transform import StrictLoss
from providers.wire.errors import Inexpressible, Unreadable
from tests.wire.talk import (
    CHAT,
    HELLO,
    MESSAGES,
    called,
    chat,
    lost,
    message,
    result,
    sent,
    translate,
    user,
)

REFUSED = [
    (CHAT, chat(audio={"voice": "a"}), "audio"),
    (CHAT, chat(modalities=["text", "audio"]), "modalities"),
    (CHAT, chat(web_search_options={}), "web_search_options"),
    (CHAT, chat(functions=[]), "functions"),
    (CHAT, chat(tools=[{"type": "custom", "custom": {"name": "x"}}]), "tools"),
    (CHAT, chat(user({"type": "video_url", "video_url": {"url": "x"}})), "messages[0].content[0]"),
    (
        CHAT,
        chat(user({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}})),
        "messages[0]",
    ),
    (CHAT, chat(user({"type": "file", "file": {"file_id": "file-1"}})), "messages[0]"),
    (CHAT, chat({"role": "system", "content": "Only this."}), "messages"),
    (CHAT, chat(*HELLO, called("a")), "messages"),
    (CHAT, chat(*HELLO, called("a", "b"), result("a"), *HELLO), "messages"),
    (CHAT, chat(*HELLO, called("a"), *HELLO, {"role": "assistant", "content": "x"}), "messages"),
    (MESSAGES, message(container="c_1"), "container"),
    (MESSAGES, message(mcp_servers=[{"url": "x"}]), "mcp_servers"),
    (MESSAGES, message(tools=[{"type": "web_search_20250305", "name": "web_search"}]), "tools"),
    (
        MESSAGES,
        message(user({"type": "container_upload", "file_id": "f"})),
        "messages[0].content[0]",
    ),
    (
        MESSAGES,
        message(user({"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}})),
        "messages[0]",
    ),
    (
        MESSAGES,
        message(user({"type": "image", "source": {"type": "file", "file_id": "f"}})),
        "messages[0]",
    ),
]


@pytest.mark.parametrize(("client", "body", "path"), REFUSED)
def test_what_only_one_vendor_can_do_is_refused_with_its_place(client, body, path):
    with pytest.raises(Inexpressible) as refusal:
        translate(client, body)
    assert refusal.value.path == path
    assert refusal.value.reason


UNREADABLE = [
    (CHAT, {"messages": "Hello"}, "messages"),
    (CHAT, {"messages": ["Hello"]}, "messages[0]"),
    (CHAT, chat({"role": "user", "content": 7}), "messages[0].content"),
    (CHAT, chat({"role": 7, "content": "x"}), "messages[0].role"),
    (CHAT, chat(temperature="hot"), "temperature"),
    (CHAT, chat(stop=[1]), "stop"),
    (CHAT, chat(tools=[{"type": "function"}]), "tools[0].function"),
    (CHAT, chat(tool_choice="sometimes"), "tool_choice"),
    (CHAT, chat(*HELLO, {"role": "tool", "content": "x"}), "messages[1].tool_call_id"),
    (MESSAGES, message(system=[{"type": "text"}]), "system[0].text"),
    (MESSAGES, message(max_tokens="many"), "max_tokens"),
    (MESSAGES, message({"role": "tool", "content": "x"}), "messages[0].role"),
    (MESSAGES, message(tool_choice={"type": "maybe"}), "tool_choice.type"),
    (MESSAGES, message(thinking={"type": "enabled"}), "thinking.budget_tokens"),
]


@pytest.mark.parametrize(("client", "body", "path"), UNREADABLE)
def test_what_cannot_be_read_is_refused_with_its_place(client, body, path):
    with pytest.raises(Unreadable) as refusal:
        translate(client, body)
    assert refusal.value.path == path


@pytest.mark.parametrize("state", ["pb1.a.b.é", "pb1.a.b.x", "pb1.a.b._w==", "pb1.a.b"])
def test_a_signature_that_only_looks_like_ours_is_the_vendors(state):
    thought = {"type": "thinking", "thinking": "Hm.", "signature": state}
    turn = {"role": "assistant", "content": [thought, {"type": "text", "text": "Yes."}]}
    assert sent(MESSAGES, message(*HELLO, turn, *HELLO))["messages"][1]["content"] == "Yes."


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": [1]},
        {"type": "object", "additionalProperties": False, "required": 5},
        {"type": "object", "additionalProperties": False, "required": [["a"]]},
        {"type": "object", "additionalProperties": False, "properties": [1]},
    ],
)
def test_a_schema_of_wrong_types_is_sent_as_it_is_and_not_as_a_strict_one(schema):
    tools = [{"name": "f", "input_schema": schema, "strict": True}]
    [tool] = sent(MESSAGES, message(tools=tools))["tools"]
    assert tool["function"] == {"name": "f", "parameters": schema}


LOST = [
    (CHAT, chat(n=2), "n", "meaning"),
    (CHAT, chat(logit_bias={"1": 2}), "logit_bias", "meaning"),
    (CHAT, chat(logprobs=True), "logprobs", "meaning"),
    (CHAT, chat(seed=0), "seed", "meaning"),
    (CHAT, chat(frequency_penalty=0.5), "frequency_penalty", "meaning"),
    (CHAT, chat(response_format={"type": "json_object"}), "response_format", "meaning"),
    (CHAT, chat(never_heard_of=1), "never_heard_of", "meaning"),
    (CHAT, chat({"role": "user", "content": "x", "mood": 1}), "messages[0].mood", "meaning"),
    (CHAT, chat(service_tier="flex"), "service_tier", "hint"),
    (CHAT, chat(prompt_cache_key="k"), "prompt_cache_key", "hint"),
    (CHAT, chat({"role": "user", "content": "x", "name": "Al"}), "messages[0].name", "hint"),
    (MESSAGES, message(top_k=3), "top_k", "meaning"),
    (MESSAGES, message(never_heard_of=1), "never_heard_of", "meaning"),
    (MESSAGES, message(cache_control={"type": "ephemeral"}), "cache_control", "hint"),
    (MESSAGES, message(thinking={"type": "adaptive"}), "reasoning", "hint"),
]


@pytest.mark.parametrize(("client", "body", "path", "weight"), LOST)
def test_what_cannot_be_carried_is_reported(client, body, path, weight):
    assert (path, weight) in lost(client, body)


@pytest.mark.parametrize(("client", "body", "path", "weight"), LOST)
def test_strict_refuses_lost_meaning_and_lets_hints_go(client, body, path, weight):
    if weight == "hint":
        assert translate(client, body, strict=True).losses
        return
    with pytest.raises(StrictLoss, match=path.replace("[", r"\[")) as refusal:
        translate(client, body, strict=True)
    assert [loss.path for loss in refusal.value.losses] == [path]


def test_defaults_are_no_losses():
    plain = chat(n=1, logprobs=False, presence_penalty=0, store=None, modalities=["text"])
    assert lost(CHAT, plain | {"logit_bias": {}, "seed": None}) == set()


def test_arguments_and_schemas_stay_the_clients_own_json_text():
    schema = '{"type":"object","properties":{"z":{"const":1e-7},"a":{"default":0.70}}}'
    arguments = '{"z": 1E-7, "a": 0.70, "z2": 7006652.0}'
    body = translate(
        CHAT,
        chat(
            *HELLO,
            {
                "role": "assistant",
                "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": arguments}}],
            },
            result("a"),
        ),
    ).body
    assert arguments.encode() in body
    raw = b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"tools":[' + (
        b'{"name":"f","input_schema":' + schema.encode() + b"}]}"
    )
    assert schema.encode() in _translate_bytes(raw)


def _translate_bytes(raw: bytes) -> bytes:
    from providers.transform import transform
    from providers.wire.envelope import open_envelope
    from providers.wire.registry import CODECS
    from tests.wire.talk import endpoint

    return transform(
        CODECS[MESSAGES],
        CODECS[CHAT],
        open_envelope(raw),
        endpoint("gpt-4.1"),
        None,
        False,
        "i",
        "",
    ).body


@pytest.mark.parametrize("arguments", ["[1]", "nonsense", '{"cut": "of', "7"])
def test_arguments_that_are_no_object_are_wrapped_for_messages(arguments):
    call = {"id": "a", "function": {"name": "f", "arguments": arguments}}
    body = chat(*HELLO, {"role": "assistant", "tool_calls": [call]}, result("a"))
    block = sent(CHAT, body)["messages"][1]["content"][0]
    assert block["input"] == {"_invalid_json": arguments}
    assert ("messages[1]", "meaning") in lost(CHAT, body)


def test_results_come_first_in_one_turn_and_foreign_ids_match_their_calls():
    body = chat(*HELLO, called("a.b", "a:b"), result("a:b", "2"), result("a.b", "1"), *HELLO)
    turns = sent(CHAT, body)["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    first, second = (block["id"] for block in turns[1]["content"])
    assert [block["type"] for block in turns[2]["content"]] == [
        "tool_result",
        "tool_result",
        "text",
    ]
    assert [(block["tool_use_id"], block["content"]) for block in turns[2]["content"][:2]] == [
        (second, "2"),
        (first, "1"),
    ]
    assert len({first, second}) == 2
    assert all(name.replace("_", "").isalnum() for name in (first, second))


def test_ids_too_long_for_chat_completions_are_shortened_alike_for_call_and_result():
    long = "toolu_" + "x" * 60
    body = message(
        *HELLO,
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": long, "name": "f", "input": {}}],
        },
        user({"type": "tool_result", "tool_use_id": long, "content": "ok"}),
    )
    turns = sent(MESSAGES, body)["messages"]
    assert turns[1]["tool_calls"][0]["id"] == turns[2]["tool_call_id"]
    assert len(turns[2]["tool_call_id"]) <= 40


@pytest.mark.parametrize("content", [None, "", [], [{"type": "text", "text": ""}]])
def test_an_empty_text_beside_calls_is_no_block(content):
    turn = {**called("a"), "content": content}
    blocks = sent(CHAT, chat(*HELLO, turn, result("a")))["messages"][1]["content"]
    assert [block["type"] for block in blocks] == ["tool_use"]


def test_white_space_alone_is_no_block_and_empty_turns_go():
    body = chat(*HELLO, {"role": "assistant", "content": "  \n"}, *HELLO)
    [turn] = sent(CHAT, body)["messages"]
    assert [block["text"] for block in turn["content"]] == ["Hello", "Hello"]


def test_system_texts_stay_in_place_where_the_model_takes_them():
    body = chat(*HELLO, {"role": "system", "content": "Be rude."}, *HELLO)
    turns = sent(CHAT, body, model="claude-opus-5")["messages"]
    assert [turn["role"] for turn in turns] == ["user", "system", "user"]
    assert lost(CHAT, body, model="claude-opus-5") == set()
    later = message(*HELLO, {"role": "system", "content": "Be rude."}, *HELLO)
    assert [turn["role"] for turn in sent(MESSAGES, later)["messages"]] == [
        "user",
        "system",
        "user",
    ]


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("none", {"type": "none"}),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}),
    ],
)
def test_tool_choices_have_one_meaning(choice, written):
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert sent(CHAT, chat(tools=tools, tool_choice=choice))["tool_choice"] == written
    back = message(tools=[{"name": "f", "input_schema": {}}], tool_choice=written)
    assert sent(MESSAGES, back)["tool_choice"] == choice


def test_a_choice_among_some_tools_sends_only_these():
    tools = [{"type": "function", "function": {"name": name}} for name in "abc"]
    allowed = {"mode": "required", "tools": [tools[0], tools[2]]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    body = sent(CHAT, chat(tools=tools, tool_choice=choice))
    assert [tool["name"] for tool in body["tools"]] == ["a", "c"]
    assert body["tool_choice"] == {"type": "any"}


def test_a_choice_among_tools_that_are_not_there_is_refused():
    tools = [{"type": "function", "function": {"name": "a"}}]
    named = [{"type": "function", "function": {"name": "b"}}]
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": named}}
    with pytest.raises(Inexpressible) as refusal:
        translate(CHAT, chat(tools=tools, tool_choice=choice))
    assert refusal.value.path == "tool_choice"


def test_a_tool_keeps_its_cache_mark():
    mark = {"type": "ephemeral", "ttl": "1h"}
    tools = [{"type": "function", "function": {"name": "a"}, "cache_control": mark}]
    assert sent(CHAT, chat(tools=tools))["tools"][0]["cache_control"] == mark
    assert lost(CHAT, chat(tools=tools)) == set()


def test_a_model_that_cannot_be_held_to_a_tools_schema_is_not():
    tools = [{"type": "function", "function": {"name": "a", "strict": True}}]
    assert "strict" not in sent(CHAT, chat(tools=tools), model="claude-3-haiku")["tools"][0]
    assert lost(CHAT, chat(tools=tools), model="claude-3-haiku") == {("tools", "hint")}


def test_no_parallel_calls_is_said_even_without_a_choice():
    tools = [{"type": "function", "function": {"name": "f"}}]
    body = sent(CHAT, chat(tools=tools, parallel_tool_calls=False))
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("model", "most"), [("claude-opus-4-1", 32000), ("claude-3-haiku", 4096), ("elsewhere", 4096)]
)
def test_messages_wants_a_cap_and_gets_what_the_family_gives(model, most):
    assert sent(CHAT, chat(), model=model)["max_tokens"] == most
    assert translate(CHAT, chat(), model=model).edits == ["max_tokens"]


def test_the_cap_of_a_quota_holds_and_is_named():
    for client, body, name in ((CHAT, chat(), "max_tokens"), (MESSAGES, message(), "max_tokens")):
        made = translate(client, body, cap=7)
        assert made.edits == [name]
        assert sent(client, body, cap=7)[name] == 7
    assert sent(MESSAGES, message(), model="gpt-5", cap=7)["max_completion_tokens"] == 7
    assert translate(MESSAGES, message(), cap=1000).edits == []


def test_more_cache_marks_than_are_taken_keep_the_last():
    mark = {"type": "ephemeral"}
    parts = [{"type": "text", "text": str(n), "cache_control": mark} for n in range(6)]
    blocks = sent(CHAT, chat(user(*parts)))["messages"][0]["content"]
    assert ["cache_control" in block for block in blocks] == [False, False, True, True, True, True]


def test_a_summary_of_the_vendor_is_sent_as_text():
    block = {"type": "compaction", "content": "They said hello."}
    body = message({"role": "assistant", "content": [block]}, *HELLO)
    assert sent(MESSAGES, body)["messages"][0]["content"] == "They said hello."
    assert lost(MESSAGES, body) == {("messages[0].content[0]", "hint")}
    body = message({"role": "assistant", "content": [{**block, "content": None}]}, *HELLO)
    assert lost(MESSAGES, body) == {("messages[0].content[0]", "meaning")}


def test_marks_within_results_are_counted():
    marked = [
        {"type": "text", "text": str(n), "cache_control": {"type": "ephemeral"}} for n in "abc"
    ]
    body = chat(user(*marked), called("x"), {**result("x"), "content": marked})
    turns = sent(CHAT, body)["messages"]
    blocks = [*turns[0]["content"], *turns[2]["content"][0]["content"]]
    assert ["cache_control" in block for block in blocks] == [False, False, True, True, True, True]
