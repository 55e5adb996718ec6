"""Redaction patterns on a running worker: from the next exchange on, by the policy of key, team and rule."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxyproject.logs import outputs
from tests.chaos import Data, Hold, speech, stream, whole
from tests.house import House
from usage.models import ClientKey

TEXT = "I am EMP-12345 in room b4, ada@example.com."
ASKED = [{"role": "user", "content": TEXT}]
EMPLOYEE = {"name": "EMPLOYEE_ID", "pattern": r"EMP-\d{4,8}"}
ROOM = {"name": "ROOM", "pattern": r"room [a-z]\d"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
async def keeping(opening: Any, directory: Path) -> AsyncIterator[House]:
    async with opening(LOG_BODIES="full", LOG_DIR=directory) as house:
        yield house


async def kept(house: House, directory: Path) -> list[str]:
    """What was asked, as it was kept."""
    await house.settled()
    await asyncio.to_thread(outputs().flush)
    lines = (directory / "transcripts.log").read_text().splitlines()
    return [json.loads(line)["request"]["messages"][0]["content"] for line in lines]


def choose(redaction: str) -> None:
    key = ClientKey.objects.get()
    key.redaction = redaction
    key.save()


async def test_they_hold_from_the_next_exchange_on_and_no_longer_when_they_are_gone(
    keeping: House, directory: Path
):
    await keeping.chat(messages=ASKED)
    await keeping.apply({"redaction_patterns": [EMPLOYEE, ROOM]})
    await keeping.chat(messages=ASKED)
    await keeping.apply({"redaction_patterns": [EMPLOYEE | {"pattern": "I am EMP-[0-9]{5}"}]})
    await keeping.chat(messages=ASKED)
    assert await kept(keeping, directory) == [
        "I am EMP-12345 in room b4, <EMAIL_1>.",
        "I am <EMPLOYEE_ID_1> in <ROOM_1>, <EMAIL_1>.",
        "<EMPLOYEE_ID_1> in <ROOM_1>, <EMAIL_1>.",
    ]


@pytest.mark.parametrize(
    ("redaction", "asked"),
    [
        ("all", "I am <EMPLOYEE_ID_1> in <ROOM_1>, <EMAIL_1>."),
        ("EMAIL,PHONE", "I am EMP-12345 in room b4, <EMAIL_1>."),
        ("EMPLOYEE_ID", "I am <EMPLOYEE_ID_1> in room b4, ada@example.com."),
        ("EMAIL,ROOM", "I am EMP-12345 in <ROOM_1>, <EMAIL_1>."),
        ("none", TEXT),
        ("ROOM,GONE", "I am <EMPLOYEE_ID_1> in <ROOM_1>, <EMAIL_1>."),
    ],
)
async def test_a_key_names_them_like_built_in_kinds(
    keeping: House, directory: Path, redaction: str, asked: str
):
    await keeping.apply({"redaction_patterns": [EMPLOYEE, ROOM]})
    await keeping.change(lambda: choose(redaction))
    await keeping.chat(messages=ASKED)
    assert await kept(keeping, directory) == [asked]


async def test_an_exchange_keeps_the_patterns_that_it_started_with(keeping: House, directory: Path):
    await keeping.apply({"redaction_patterns": [EMPLOYEE]})
    gate = asyncio.Event()
    events = speech.chat_events()
    keeping.chaos.next([*stream(events[:3]), Hold(gate), *map(Data, events[3:])])
    asking = asyncio.create_task(keeping.chat(messages=ASKED, stream=True))
    await keeping.seen()
    await keeping.apply({"redaction_patterns": [ROOM, EMPLOYEE | {"pattern": "in room"}]})
    gate.set()
    await asking
    assert await kept(keeping, directory) == ["I am <EMPLOYEE_ID_1> in room b4, <EMAIL_1>."]


async def test_the_same_value_is_the_same_placeholder_in_request_and_answer(
    keeping: House, directory: Path
):
    await keeping.apply({"redaction_patterns": [EMPLOYEE]})
    keeping.chaos.next(whole(speech.chat_body("EMP-99999 knows EMP-12345.")))
    await keeping.chat(messages=ASKED)
    await kept(keeping, directory)
    line = json.loads((directory / "transcripts.log").read_text())
    answer = line["response"]["choices"][0]["message"]["content"]
    assert answer == "<EMPLOYEE_ID_2> knows <EMPLOYEE_ID_1>."
    assert line["redacted"] == {"EMPLOYEE_ID": 3, "EMAIL": 1}
