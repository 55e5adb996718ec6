"""A text in pieces comes out as the whole would, and a text that was redacted stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.redaction.samples import FOUND, KNOWN, LEFT, SHAPES
from usage.transcripts.redact import Names, Redactor
from usage.transcripts.secrets import SecretFilter
from usage.transcripts.streaming import StreamRedactor

REDACTOR = Redactor(
    secrets=SecretFilter(KNOWN),
    patterns={"EMPLOYEE": r"\bEMP-\d{4,8}\b", "ROOM": r"(?i)\broom [a-z]\d\b"},
)
PIECES = st.one_of(
    st.sampled_from([around.format(value) for _, value, around in FOUND]),
    st.sampled_from([value for _, value, _ in FOUND]),
    st.sampled_from(LEFT),
    st.sampled_from(KNOWN),
    st.sampled_from([value for _, value in SHAPES]),
    st.sampled_from(
        ["EMP-12345", "room b4", "<EMAIL_1>", "<EMAIL_2>", "<PHONE_1>", "[hidden]", "x" * 300]
    ),
    st.sampled_from(
        ["password=", "Bearer ", "Cookie: a=b1", "tel ", "SSN", "-----BEGIN PRIVATE KEY-----"]
    ),
    st.text(alphabet=' \n.,-/:;@+()[]<>_="\\n014aAzé', max_size=6),
)
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.lists(PIECES, max_size=12).map(" ".join)
CUTS = st.lists(st.integers(1, 400), max_size=12)


def in_pieces(redactor: Redactor, text: str, cuts: list[int]) -> str:
    stream = StreamRedactor(redactor, Names())
    out, start = [], 0
    for length in cuts:
        out.append(stream.feed(text[start : start + length]))
        start += length
    out.append(stream.feed(text[start:]))
    return "".join((*out, stream.end()))


@given(TEXTS, CUTS)
@settings(max_examples=300)
def test_the_result_does_not_depend_on_the_pieces(text, cuts):
    text = text + " " + text + text
    assert in_pieces(REDACTOR, text, cuts) == REDACTOR.redact_text(text, Names())


@given(TEXTS, st.integers(1, 7))
@settings(max_examples=100)
def test_nor_on_very_small_pieces(text, size):
    text = f"{'-' * 200}{text}{'. ' * 300}{text}"
    cuts = [size] * (len(text) // size + 1)
    assert in_pieces(REDACTOR, text, cuts) == REDACTOR.redact_text(text, Names())


@given(TEXTS)
@settings(max_examples=300)
@example("4111111111111111<EMAIL_1>")
@example("020 7946 0958  0049 151 12345678")
def test_redacting_twice_changes_nothing(text):
    names = Names()
    once = REDACTOR.redact_text(text, names)
    assert REDACTOR.redact_text(once, names) == once
    assert REDACTOR.redact_text(once, Names()) == once


@given(TEXTS, st.sampled_from(KNOWN), TEXTS)
@settings(max_examples=200)
def test_a_known_secret_never_survives_whatever_surrounds_it(before, secret, after):
    text = before + secret + after
    assert secret not in REDACTOR.redact_text(text, Names())
    assert secret not in in_pieces(REDACTOR, text, [len(before) + 3, 2, 5])


def test_little_is_held_back():
    stream = StreamRedactor(Redactor(), Names())
    let_out = sum(len(stream.feed("some words ")) for _ in range(1000))
    assert 11_000 - let_out <= 400


def test_a_secret_without_end_is_hidden_and_not_kept():
    stream = StreamRedactor(REDACTOR, Names())
    out = stream.feed("key sk-" + "a1" * 50)
    out += "".join(stream.feed("b2" * 500) for _ in range(100))
    out += stream.feed(" and so on") + stream.end()
    assert out == "key [hidden] and so on"


def test_names_and_places_are_not_found_in_pieces():
    with pytest.raises(ValueError, match="whole texts only"):
        StreamRedactor(Redactor(people=lambda text: []), Names())
