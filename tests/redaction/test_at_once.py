"""What holds nothing to hide is searched at once, which must miss nothing that a closer look finds."""

from __future__ import annotations

import json
import math
import tracemalloc
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
NAMES += ["db_passwd2", "GITHUB_TOKEN", "token", "keyword", "apiKeys", "api_\u212aey", "to\u212aen"]
HARMLESS = ["", "Hello there.", "[", "{}", "1.2.3.4", "2026-11-26", "{}]", "a\\nb", "12", "x" * 600]
BEYOND_JSON = [math.nan, "\ud83d"]
"""What Python reads and writes as JSON, and others refuse."""
JSON_IN_JSON = st.builds(
    lambda name, text, more, around: around + json.dumps({name: text, "more": more}) + around,
    st.sampled_from(NAMES),
    st.sampled_from([*SAMPLES, "Hello there."]),
    st.sampled_from([1, "a\nb", *BEYOND_JSON]),
    st.sampled_from(["", "\n", " ", "\r\n\t", "x"]),
)
STRINGS = st.text(max_size=20) | st.sampled_from(SAMPLES + HARMLESS) | JSON_IN_JSON
DOCUMENTS = st.recursive(
    st.integers() | st.booleans() | STRINGS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | STRINGS, inner, max_size=4)
    ),
    max_leaves=10,
)


WRITTEN = st.sampled_from(
    [
        {},
        {"ensure_ascii": False},
        {"indent": 1},
        {"separators": (",", ":"), "ensure_ascii": False},
    ]
)


def closely(value: Any) -> Any:
    names = Names()
    return _Walk(REDACTOR, names, names.begin()).walk(value)


def at_once(value: Any, **written: Any) -> Any:
    document = json.dumps(value, **written).encode("utf-8", "surrogatepass")
    [redacted] = REDACTOR.redact_documents([document], Names())
    return json.loads(redacted)


@given(DOCUMENTS, WRITTEN)
@settings(max_examples=400)
def test_it_comes_to_the_same(value: Any, written: dict[str, Any]):
    assert at_once(value, **written) == closely(value)


def alone(values: list[Any]) -> list[Any]:
    names = Names()
    return [_Walk(REDACTOR, names, names.begin()).walk(value) for value in values]


def together(*exchanges: list[bytes]) -> list[list[Any]]:
    redacted = REDACTOR.redact_together(exchanges)
    return [[json.loads(document) for document in made[0]] for made in redacted if made]


@given(st.lists(st.lists(DOCUMENTS, max_size=2), max_size=5))
def test_several_exchanges_at_once_come_to_the_same_as_one_by_one(values: list[list[Any]]):
    exchanges = [[json.dumps(value).encode() for value in each] for each in values]
    assert together(*exchanges) == [alone(each) for each in values]


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_exchange_hides_what_another_one_says(sample: str):
    """Nor what could be the one half of a value, the other half of which the next one begins with."""
    half = len(sample) // 2
    said = [sample[:half], sample[half:], "version", sample, "1.2", sample, "phone:", "", sample]
    exchanges = [[json.dumps(text).encode()] for text in said]
    assert together(*exchanges) == [alone([text]) for text in said]


def test_an_exchange_that_is_no_json_keeps_no_other_from_being_searched():
    good, bad = b'{"content":"alice@example.com"}', b'{"content": '
    hidden = {"content": "<EMAIL_1>"}
    assert together([good], [bad], [good]) == [[hidden], [{"text": bad.decode()}], [hidden]]


@pytest.mark.parametrize(
    "document",
    [
        '{"password":"Hello"}',
        '{"db_Password12":"Hello"}',
        '{"password01":"Hello"}',
        '{"arguments":"{\\"api_key00\\":\\"Hello\\"}"}',
        '{"of":"a\\nb","x_token09":"Hello, this is no token"}',
        '{"webhook_secrets":["Hello"],"SESSION-TOKEN":"Hello"}',
        '{"arguments":"{\\"GITHUB_TOKEN\\":\\"Hello\\"}"}',
        '{"PassWord":"Hello"}',
        '{"p\\u0061ssword":"Hello"}',
        '{"of":"a\\nb","Cookie":"Hello"}',
        '{"arguments":"{\\"api_key\\":\\"Hello\\"}"}',
        '{"arguments":"{\\"password\\":\\"Hello\\",\\"of\\":\\"a\\\\nb\\",\\"score\\":NaN}"}',
        '{"arguments":"{\\"password\\":\\"Hello\\",\\"icon\\":\\"\\\\ud83d\\"}"}',
        '{"arguments":"\\u007b\\"password\\":\\"Hello\\"}"}',
        '{"arguments":"{\\"password\\":\\"Hello\\"\\u007D"}',
        '{"arguments":"{\\"password\\":\\"Hello\\"}\\n"}',
        '{"arguments":"\\r\\n{\\"password\\":\\"Hello\\"}"}',
        '{"arguments": " [{\\"password\\":\\"Hello\\"}]\\t"}',
        '{"arguments":"\\u0020{\\"password\\":\\"Hello\\",\\"of\\":\\"a\\\\nb\\"}\\u000a"}',
    ],
)
def test_what_only_its_name_says_to_be_secret_is_hidden_among_other_exchanges(document: str):
    other = {"content": "Hello"}
    made = together([json.dumps(other).encode()], [document.encode()], [json.dumps(other).encode()])
    assert made == [[other], [closely(json.loads(document))], [other]]
    assert "Hello" not in json.dumps(made[1])


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("around", ["", "x", "7", "{", "Hello", "\\", '"'])
def test_no_neighbour_hides_a_value(sample: str, around: str):
    value = {"before": around, "text": sample, "after": around, "list": [around, sample]}
    assert at_once(value) == closely(value)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_json_in_a_string_is_searched_as_json(sample: str, depth: int):
    value: Any = {"city": "Paris", "note": f'"{sample}"\n'}
    for _ in range(depth):
        value = {"arguments": json.dumps(value), "id": "call_1"}
    assert at_once(value) == closely(value)


def test_a_secret_member_is_seen_in_the_arguments_of_a_tool_beside_a_picture():
    arguments = json.dumps({"Password": "ab", "picture": "QUJD" * 200, "line": "a\nb"})
    assert "ab" not in json.loads(at_once({"arguments": arguments})["arguments"])["Password"]


def test_what_holds_nothing_keeps_its_bytes():
    document = b'{"model": "gpt-5", "temperature": 0.70, "messages": [{"content": "Hello\\n\\"there\\"."}]}'
    assert REDACTOR.redact_documents([document, document], Names()) == [document, document]


def test_what_holds_nothing_is_one_line_all_the_same():
    for end in (b"\r\n", b"\n", b"\r"):
        document = b'{%b  "n": 1,%b  "m": "x"}' % (end, end)
        assert REDACTOR.redact_documents([document], Names()) == [b'{"n":1,"m":"x"}']


@pytest.mark.parametrize("hidden", ["alice@example.com", KNOWN[0]])
def test_a_member_that_another_one_takes_the_place_of_is_searched_as_well(hidden: str):
    document = f'{{"content": "{hidden}", "content": "hello"}}'.encode()
    assert REDACTOR.redact_documents([document], Names()) == [b'{"content":"hello"}']


def test_all_bodies_of_an_exchange_share_their_placeholders():
    texts = ["alice@example.com", "nothing", "bob@example.com, alice@example.com"]
    documents = [json.dumps({"content": text}).encode() for text in texts]
    assert REDACTOR.redact_documents(documents, Names()) == [
        b'{"content":"<EMAIL_1>"}',
        b'{"content":"nothing"}',
        b'{"content":"<EMAIL_2>, <EMAIL_1>"}',
    ]


@pytest.mark.parametrize("document", [b"hello", b'{"a": 1', b"[" * 100_000, b""])
def test_what_is_no_json_is_a_text(document: bytes):
    [redacted] = REDACTOR.redact_documents([document], Names())
    assert json.loads(redacted) == {"text": document.decode()}


def test_a_text_that_is_no_json_and_no_utf_8_is_redacted_as_well():
    [redacted] = REDACTOR.redact_documents([b'{"a\xff": "alice@example.com"'], Names())
    assert json.loads(redacted) == {"text": '{"a\ufffd": "<EMAIL_1>"'}


def test_what_held_nothing_is_looked_at_again_once_more_is_known():
    """Short strings that come again are remembered, and a secret may be one of them."""
    secrets = SecretFilter()
    redactor = Redactor(secrets=secrets)
    document = b'{"model":"gpt-5","city":"correct-horse"}'
    for _ in range(2):
        assert redactor.redact_together([[document]]) == [([document], {})]
    secrets.known(["correct-horse"])
    assert redactor.redact_together([[document]]) == [
        ([b'{"model":"gpt-5","city":"[hidden]"}'], {"SECRET": 1})
    ]


def test_what_is_remembered_has_a_bound():
    document = json.dumps([f"word {number}" for number in range(100_000)]).encode()
    redactor = Redactor()
    tracemalloc.start()
    try:
        assert redactor.redact_together([[document]]) == [([document], {})]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2**20


def test_however_many_strings_held_nothing_the_next_one_is_searched():
    redactor = Redactor()
    for number in range(10):
        names = {f"name {number} {member}": "" for member in range(1000)}
        [made] = redactor.redact_together([[json.dumps(names).encode()]])
        assert made is not None
        assert json.loads(made[0][0]) == names
    assert redactor.redact_together([[b'["alice@example.com"]']]) == [
        ([b'["<EMAIL_1>"]'], {"EMAIL": 1})
    ]


@pytest.mark.parametrize("before", ["\0", "x\n\0", "\0\n", "a\n\0\nb", "\n\0\n\n\0\n"])
@pytest.mark.parametrize("sample", SAMPLES[::7] + KNOWN)
def test_what_stands_between_texts_may_stand_in_one(before: str, sample: str):
    values = [before, {"password": "Hello", "text": sample}, before + sample, [sample + before]]
    assert together(*([json.dumps(value).encode()] for value in values)) == [
        alone([value]) for value in values
    ]


@pytest.mark.parametrize("before", ["x\\n\\u0000", "\\u0000\\n", "a\\n\\u0000\\nb"])
def test_what_stands_between_texts_makes_no_other_name_out_of_one(before: str):
    names = [
        "p\\u0061ssword",
        "\\u0061pi-key",
        "\\u0073ecret",
        "db_\\u0070assword",
        "\\u0070asscode",
    ]
    documents = [f'{{"{before}":1,"{name}":"Hello"}}'.encode() for name in names]
    made = together(*([document] for document in documents))
    assert "Hello" not in json.dumps(made)


def test_what_is_no_utf_8_keeps_no_other_from_being_searched():
    good, bad = b'{"content":"alice@example.com"}', b'{"content":"\xff bob@example.com"}'
    harmless = b'{"content":"Hello"}'
    made = REDACTOR.redact_together([[good], [bad], [harmless]])
    assert made[0] == ([b'{"content":"<EMAIL_1>"}'], {"EMAIL": 1})
    assert made[1] is not None
    assert b"bob" not in made[1][0][0]
    assert made[2] == ([harmless], {})


def test_a_string_that_two_exchanges_share_is_hidden_in_both():
    document = json.dumps({"content": "I am alice@example.com"}).encode()
    hidden = ([b'{"content":"I am <EMAIL_1>"}'], {"EMAIL": 1})
    assert REDACTOR.redact_together([[document], [b'{"n":1}'], [document]]) == [
        hidden,
        ([b'{"n":1}'], {}),
        hidden,
    ]
