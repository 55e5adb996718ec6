"""Which schemas are sent as strict: those that OpenAI takes as such."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from providers.wire.strict_schema import is_strict
from tests.chaos.speech import compact

CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def strict(schema: Any) -> bool:
    return is_strict(msgspec.Raw(compact(schema)))


@pytest.mark.parametrize(
    "schema",
    [CLOSED, CLOSED | {"type": ["object", "null"]}, {"anyOf": [CLOSED, {"type": "string"}]}],
)
def test_closed_objects_are_strict(schema: dict[str, Any]):
    assert strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": ["object", "null"]},
        {"oneOf": [CLOSED]},
        {"not": CLOSED},
        {"type": "array", "items": {"type": ["null", "object"]}},
    ],
)
def test_open_objects_and_words_that_openai_does_not_take_are_not(schema: dict[str, Any]):
    assert not strict(schema)
