"""Whole exchanges, translated: each file of `golden/` says what is asked, sent, answered and given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers.wire.codec import WireFormat
from tests.wire.talk import translate

GOLDEN = sorted(Path(__file__).with_name("golden").glob("*.json"))


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def golden(request) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(request.param.read_text())
    return value


def test_a_request_is_said_in_the_providers_words_and_its_losses_are_named(golden):
    made = translate(WireFormat(golden["client"]), golden["asked"], model=golden.get("model", ""))
    assert json.loads(made.body) == golden["sent"]
    assert [[loss.path, loss.weight, loss.reason] for loss in made.losses] == golden["losses"]
    assert made.edits == golden["edits"]


def test_an_answer_is_said_in_the_clients_words_and_its_losses_are_named(golden):
    if "answer" not in golden:
        pytest.skip("this one is about its request")
    lane = translate(WireFormat(golden["client"]), golden["asked"]).lane
    given = json.loads(lane.whole(json.dumps(golden["answer"]).encode()))
    if "created" in given:
        given["created"] = 0
    assert given == golden["given"]
    lost = [[loss.path, loss.reason] for loss in lane.losses if loss.path.startswith("answer.")]
    assert lost == golden["answer_losses"]
