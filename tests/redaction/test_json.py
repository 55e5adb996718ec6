"""Parsed JSON: strings are redacted, protocol and types stay."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.redaction.samples import FOUND, KNOWN
from usage.transcripts.redact import Names, Redactor, Unredactable
from usage.transcripts.secrets import SecretFilter

REDACTOR = Redactor(secrets=SecretFilter(KNOWN))
VALUES = st.sampled_from([value for _, value, _ in FOUND] + KNOWN)
TEXTS = st.one_of(
    st.text(max_size=30), VALUES, st.builds("{} {}".format, st.text(max_size=5), VALUES)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def redact(value, names=None):
    return REDACTOR.redact_json(value, names or Names())


def test_a_request_keeps_its_form_and_loses_what_is_personal():
    body = {
        "model": "gpt-5",
        "max_tokens": 4096,
        "messages": [
            {"role": "user", "content": "I am alice@example.com"},
            {"role": "user", "content": [{"type": "text", "text": "ALICE@example.com again"}]},
        ],
    }
    assert redact(body) == {
        "model": "gpt-5",
        "max_tokens": 4096,
        "messages": [
            {"role": "user", "content": "I am <EMAIL_1>"},
            {"role": "user", "content": [{"type": "text", "text": "<EMAIL_1> again"}]},
        ],
    }
    assert "alice@example.com" in json.dumps(body)


def test_the_name_of_a_member_says_what_a_number_is():
    assert redact({"phone_number": "5551234567", "order": "5551234567"}) == {
        "phone_number": "<PHONE_1>",
        "order": "5551234567",
    }
    assert redact({"phones": ["5551234567"]}) == {"phones": ["<PHONE_1>"]}


def test_the_name_of_a_member_says_what_is_secret():
    tool = {"type": "mcp", "authorization": "anything", "headers": {"X-Api-Key": "short"}}
    assert redact(tool) == {
        "type": "mcp",
        "authorization": "[hidden]",
        "headers": {"X-Api-Key": "[hidden]"},
    }
    schema = {"properties": {"password": {"type": "string"}}, "max_tokens": 5}
    assert redact(schema) == schema


def test_names_of_members_that_hold_personal_data_are_redacted_and_stay_apart():
    assert redact({"a@x.example": 1, "A@x.example": 2}) == {"<EMAIL_1>": 1, "<EMAIL_1>'": 2}


def test_json_in_a_string_stays_json():
    arguments = json.dumps(
        {"to": "alice@example.com", "phone": 4915112345678, "note": "Über\nalles"}
    )
    redacted = redact({"arguments": arguments})["arguments"]
    assert json.loads(redacted) == {
        "to": "<EMAIL_1>",
        "phone": 4915112345678,
        "note": "Über\nalles",
    }


def test_json_in_a_string_that_holds_nothing_keeps_its_bytes():
    arguments = '{"a" : 1.0,\n"b":"\\u00fc",  "c":[ ]}'
    assert redact([arguments]) == [arguments]


def test_what_json_escapes_is_found():
    assert redact(['{"to": "alice\\u0040example.com"}']) == ['{"to": "<EMAIL_1>"}']


def test_half_of_a_json_text_is_read_as_text():
    assert redact('{"to": "bob\\nalice@example.com", "x') == '{"to": "bob\\n<EMAIL_1>", "x'


@pytest.mark.parametrize("start", ["", "data:image/png;base64,"])
def test_base64_is_not_read_and_that_is_reported(start):
    names = Names()
    data = start + base64.b64encode(bytes(range(256)) * 40).decode()
    assert redact({"url": data}, names) == {"url": data}
    assert names.unscanned == len(data)


def test_a_known_secret_is_hidden_in_base64_too():
    data = base64.b64encode(b"x" * 700 + KNOWN[0].encode() + b"y" * 700).decode()
    names = Names()
    redacted = redact({"data": data}, names)["data"]
    assert "[hidden]" in redacted
    assert names.unscanned == len(data)


def test_a_thousand_levels_do_no_harm():
    value: object = "alice@example.com"
    for _ in range(1000):
        value = [{"a": value}]
    redacted = redact(value)
    for _ in range(1000):
        redacted = redacted[0]["a"]
    assert redacted == "<EMAIL_1>"


def test_a_string_with_a_hundred_thousand_brackets_does_no_harm():
    text = "[" * 100_000 + "]" * 100_000
    assert redact([text]) == [text]


@given(JSON)
def test_json_stays_json_of_the_same_form(value):
    redacted = redact(value)
    json.dumps(redacted)
    assert _form(redacted) == _form(value)


@given(JSON, st.booleans())
def test_json_in_strings_stays_json_of_the_same_form(value, ascii_only):
    text = json.dumps([value], ensure_ascii=ascii_only)
    assert _form(json.loads(redact([text])[0])) == _form([value])


@given(JSON)
def test_no_known_secret_survives(value):
    assert not any(secret in text for text in _strings(redact(value)) for secret in KNOWN)


@given(JSON)
def test_redacting_json_twice_changes_nothing(value):
    names = Names()
    once = redact(value, names)
    assert redact(once, names) == once


def test_whatever_goes_wrong_is_unredactable_and_does_not_carry_the_text():
    def broken(text):
        raise KeyError(text)

    redactor = Redactor(people=broken)
    for attempt in (redactor.redact_text, redactor.redact_json):
        with pytest.raises(
            Unredactable, match=r"^The body could not be redacted: KeyError\.$"
        ) as caught:
            attempt("a private text", Names())
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def _form(value):
    if isinstance(value, dict):
        return [_form(member) for member in value.values()]
    if isinstance(value, list):
        return [_form(member) for member in value]
    return "text" if isinstance(value, str) else value


def _strings(value):
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)
    elif isinstance(value, str):
        yield value
