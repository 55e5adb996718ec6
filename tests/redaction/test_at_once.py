"""What holds nothing to hide is searched at once, which must miss nothing that a closer look finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.redaction.samples import FOUND, KNOWN
from usage.transcripts.redact import Names, Redactor, _Walk
from usage.transcripts.secrets import SecretFilter

REDACTOR = Redactor(secrets=SecretFilter(KNOWN))
SAMPLES = [sentence.format(value) for _, value, sentence in FOUND] + KNOWN
NAMES = ["text", "phone", "ssn", "arguments", "password", "Authorization", "content", "iban"]
HARMLESS = ["", "Hello there.", "[", "{}", "1.2.3.4", "2026-11-26", "{}]", "a\\nb", "12", "x" * 600]
STRINGS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(SAMPLES + HARMLESS),
    st.builds(lambda text: json.dumps({"of": text, "more": "\n" + text}), st.sampled_from(SAMPLES)),
)
DOCUMENTS = st.recursive(
    st.integers() | st.booleans() | STRINGS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | STRINGS, inner, max_size=4)
    ),
    max_leaves=10,
)


def closely(value: Any) -> Any:
    names = Names()
    return _Walk(REDACTOR, names, names.begin()).walk(value)


@given(DOCUMENTS)
@settings(max_examples=300)
def test_it_comes_to_the_same(value: Any):
    assert REDACTOR.redact_json(value, Names()) == closely(value)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("around", ["", "x", "7", "{", "Hello"])
def test_no_neighbour_hides_a_value(sample: str, around: str):
    value = {"before": around, "text": sample, "after": around, "list": [around, sample]}
    assert REDACTOR.redact_json(value, Names()) == closely(value)


def test_what_holds_nothing_is_the_value_itself():
    value = {"model": "gpt-5", "messages": [{"role": "user", "content": "Hello there."}]}
    assert REDACTOR.redact_json(value, Names()) is value
