"""The exchanges of a conversation become one transcript, in which each message stands once."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.transcripts.lines import (
    NOON,
    chat,
    encoded,
    id_at,
    ids,
    line,
    messages,
    metadata,
    tool_talk,
    user,
)
from usage.transcripts.conversation import Relatives, Step, join
from usage.transcripts.spool import in_time_order
from usage.transcripts.stored import Line, read_line

HERE = Path("transcripts.log")


def read(lines: list[dict[str, Any]]) -> list[Line]:
    return [read_line(encoded(one), HERE) for one in lines]


def joined(lines: list[dict[str, Any]], of: int = 0) -> list[Step]:
    """The conversation that one of the lines is a part of."""
    stored = read(lines)
    relatives = Relatives(stored[of])
    shuffled = random.Random(1).sample(stored, len(stored))
    taken = in_time_order(filter(relatives.takes, shuffled))
    return list(join(filter(relatives.stays, taken)))


def numbers(lines: list[dict[str, Any]], of: int) -> list[int]:
    """Which of the lines are in the conversation of one of them."""
    every = ids(lines)
    return [every.index(step.line.head.exchange_id) for step in joined(lines, of)]


def talk(*said: str, start: float = NOON, **members: Any) -> list[dict[str, Any]]:
    """The exchanges of one conversation: question, answer, question, answer."""
    roles = ("user", "assistant")
    turns = [{"role": roles[at % 2], "content": words} for at, words in enumerate(said)]
    return [
        line(start + at, **chat(turns[: at + 1], said[at + 1]), **members)
        for at in range(0, len(said), 2)
    ]


def told(steps: list[Step]) -> list[str]:
    """Everything that is shown, as `role: words`."""
    return [
        f"{turn.role}: {part.text or part.name}"
        for step in steps
        for turn in (*step.asked, *step.said.answered)
        for part in turn.parts
    ]


TALK = [
    "system: You are careful.",
    "user: What is in a.txt?",
    'assistant: {"path": "a.txt"}',
    "tool: forty-two",
    "assistant: The number 42.",
    "user: Thank you.",
    "assistant: You are welcome.",
]


@pytest.mark.parametrize("of", [0, 1, 2])
def test_each_message_stands_once_whichever_exchange_is_asked_for(of: int) -> None:
    strangers = [
        line(NOON + 3, **chat([user("What is in a.txt?")], "Nothing.")),
        line(NOON + 4, client_key="bob", **tool_parts(0)),
        line(NOON + 6, **chat([user("Else?")], "The number 42.")),
        metadata(NOON + 7),
    ]
    steps = joined([*tool_talk(), *strangers], of)
    assert told(steps) == TALK
    assert [step.branches for step in steps] == [False, False, False]
    assert [bool(step.after) for step in steps] == [False, True, True]


def tool_parts(number: int) -> dict[str, Any]:
    one = tool_talk()[number]
    return {name: one[name] for name in ("request", "response")}


def anthropic_talk() -> list[dict[str, Any]]:
    """As agents send it: marks move, thoughts go, a text becomes a block, the system text changes."""
    call = {"type": "tool_use", "id": "tu_1", "name": "ls", "input": {"b": 1, "a": 2}}
    answer = [{"type": "thinking", "thinking": "I must look.", "signature": "s"}, call]
    result = {
        "type": "tool_result",
        "tool_use_id": "tu_1",
        "content": [{"type": "text", "text": "a.txt"}],
    }
    mark = {"cache_control": {"type": "ephemeral"}}
    first = [user("List the files of <EMAIL_1>.")]
    second = [
        user([{"type": "text", "text": "List the files of <EMAIL_1>. ", **mark}]),
        {"role": "assistant", "content": [{**call, "input": {"a": 2, "b": 1}}]},
        user([{**result, **mark}, {"type": "text", "text": "Be quick."}]),
    ]
    third = [
        *second[:2],
        user([result]),
        user("Be quick."),
        {"role": "assistant", "content": "One file."},
        user("Thanks."),
    ]
    return [
        line(NOON, **messages(first, answer, system="It is noon.")),
        line(NOON + 5, **messages(second, "One file.", system="It is noon.")),
        line(NOON + 9, **messages(third, "Bye.", system=[{"type": "text", "text": "It is one."}])),
    ]


@pytest.mark.parametrize("of", [0, 1, 2])
def test_what_clients_change_on_the_way_does_not_part_a_conversation(of: int) -> None:
    assert told(joined(anthropic_talk(), of)) == [
        "system: It is noon.",
        "user: List the files of <EMAIL_1>.",
        "assistant: I must look.",
        'assistant: {"b":1,"a":2}',
        "user: a.txt",
        "user: Be quick.",
        "assistant: One file.",
        "system: It is one.",
        "user: Thanks.",
        "assistant: Bye.",
    ]


def test_a_session_joins_what_no_message_does() -> None:
    first = line(NOON, session="s1", **chat([user("Plan it.")], "Done."))
    other = line(NOON + 1, session="s1", **chat([user("A helper's task.")], "Helped."))
    silent = metadata(NOON + 2, session="s1")
    strangers = [line(NOON, session="s2"), line(NOON, session="s1", client_key="bob"), line(NOON)]
    steps = joined([first, other, silent, *strangers])
    assert ids(step.line for step in steps) == ids([first, other, silent])
    assert told(steps) == [
        "user: Plan it.",
        "assistant: Done.",
        "user: A helper's task.",
        "assistant: Helped.",
    ]
    assert [step.after for step in steps] == ["", "", ""]


def test_another_way_from_an_earlier_place_is_told() -> None:
    start = [user("One?")]
    base = [*start, {"role": "assistant", "content": "1"}]
    lines = [
        line(NOON, **chat(start, "1")),
        line(NOON + 1, **chat([*base, user("Two?")], "2")),
        line(NOON + 2, **chat([*base, user("Three?")], "3")),
    ]
    steps = joined(lines)
    assert told(steps) == [
        "user: One?",
        "assistant: 1",
        "user: Two?",
        "assistant: 2",
        "user: Three?",
        "assistant: 3",
    ]
    assert [step.after for step in steps] == ["", *ids(lines[:1] * 2)]
    assert [step.branches for step in steps] == [False, False, True]
    assert told(joined(lines, 1)) == told(steps)[:4]  # the third is not of its way


def test_the_same_asked_again_shows_the_new_answer_only() -> None:
    lines = [
        line(NOON, session="s", **chat([user("Dice?")], "Four.")),
        line(NOON + 1, session="s", **chat([user("Dice?")], "Six.")),
    ]
    steps = joined(lines)
    assert told(steps) == ["user: Dice?", "assistant: Four.", "assistant: Six."]
    assert steps[1].branches


def test_a_partial_answer_need_not_be_what_the_client_goes_on_with() -> None:
    start = [user("Tell."), {"role": "assistant", "content": "What?"}, user("A story.")]
    lines = [
        line(NOON, partial=True, **chat(start, "Once up")),
        line(NOON + 1, **chat([*start, user("A short one.")], "The end.")),
    ]
    for of in (0, 1):
        assert told(joined(lines, of))[-3:] == [
            "assistant: Once up",
            "user: A short one.",
            "assistant: The end.",
        ]


def test_a_first_message_alone_joins_nothing() -> None:
    lines = [
        line(NOON, partial=True, **chat([user("Hi")], "He")),
        line(
            NOON + 1, **chat([user("Hi"), {"role": "assistant", "content": "Yes?"}, user("x")], "y")
        ),
    ]
    assert len(joined(lines)) == 1
    assert len(joined(lines, 1)) == 1


def test_a_request_that_was_cut_stands_alone() -> None:
    cut = {"request": {"text": '{"model":"gpt-5","messages":[{"ro'}, "response": None}
    lines = [
        line(NOON, **cut, truncated={"request": 900}),
        line(NOON + 1, **cut, truncated={"request": 900}),
    ]
    steps = joined(lines)
    assert ids(step.line for step in steps) == ids(lines[:1])
    assert told(steps) == ['request: {"model":"gpt-5","messages":[{"ro']


def test_a_long_conversation_is_joined_whole() -> None:
    history: list[Any] = []
    lines = []
    for number in range(150):
        history.append(user(f"question {number}"))
        lines.append(line(NOON + number, **chat(list(history), f"answer {number}")))
        history.append({"role": "assistant", "content": f"answer {number}"})
    steps = joined(lines, 75)
    assert len(steps) == 150
    assert told(steps)[-2:] == ["user: question 149", "assistant: answer 149"]
    assert len(told(steps)) == 300


CATS = ("Hi", "Hello!", "Cats?", "Cats purr.", "More cats.", "They purr.")
DOGS = ("Hi", "Hello!", "Dogs?", "Dogs bark.", "More dogs.", "They bark.")


@pytest.mark.parametrize(
    ("of", "shown"), [(0, [0]), (1, [1, 2]), (2, [1, 2]), (3, [3]), (4, [4, 5]), (5, [4, 5])]
)
def test_conversations_that_begin_alike_are_not_mixed_up(of: int, shown: list[int]) -> None:
    lines = [*talk(*CATS), *talk(*DOGS, start=NOON + 1)]
    assert numbers(lines, of) == shown


def test_what_is_left_out_since_it_may_be_of_somebody_else_is_told() -> None:
    stored = read([*talk(*CATS), *talk(*DOGS, start=NOON + 1)])
    told = []
    for of in (0, 1):
        relatives = Relatives(stored[of])
        list(filter(relatives.takes, stored))
        told.append(relatives.left_out.split(":")[0])
    assert told == ["4 exchanges are left out", "2 exchanges are left out"]
    assert Relatives(stored[0]).left_out == ""


@pytest.mark.parametrize("of", range(4))
def test_placeholders_of_two_people_do_not_join_them(of: int) -> None:
    asked, done = "I am <EMAIL_1>. Reset my password.", "I have reset it."
    lines = [*talk(asked, done, "Thanks.", "Bye."), *talk(asked, done, "It fails.", "Oh.")]
    assert numbers(lines, of) == [of]


def test_where_all_words_hold_placeholders_nothing_is_joined() -> None:
    lines = talk("I am <EMAIL_1>.", "Hello <EMAIL_1>.", "Who am I?", "<EMAIL_1>", "Bye.", "Bye.")
    assert [numbers(lines, of) for of in range(3)] == [[0], [1, 2], [1, 2]]


def test_the_number_of_a_placeholder_counts() -> None:
    lines = [*talk("Ask <EMAIL_1>.", "Done."), *talk("Ask <EMAIL_2>.", "Done.", "Bye.", "Bye.")]
    assert [numbers(lines, of) for of in range(3)] == [[0], [1, 2], [1, 2]]


def test_two_end_users_of_one_key_are_two_conversations() -> None:
    lines = [*talk(*CATS, end_user="u-1"), *talk(*DOGS, end_user="u-2")]
    assert [numbers(lines, of) for of in (0, 4)] == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("agent", [tool_talk, anthropic_talk])
def test_agents_that_are_given_the_same_task_stay_apart(agent: Any) -> None:
    """Their calls have ids of their own, so that nothing they say is the same."""
    other = json.loads(json.dumps(agent()).replace("call_1", "call_2").replace("tu_1", "tu_2"))
    lines = [*agent(), *({**one, "exchange_id": id_at(NOON)} for one in other)]
    assert [numbers(lines, of) for of in (0, 2)] == [[0, 1, 2]] * 2
    assert sorted(numbers(lines, 4)) == [3, 4, 5]
