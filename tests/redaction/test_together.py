"""Shapes are tried many at a time, which must find what each of them finds by itself."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.redaction.samples import FOUND, LEFT
from usage.transcripts.detectors import DETECTORS
from usage.transcripts.redact import Names, Redactor
from usage.transcripts.spans import Span
from usage.transcripts.together import Together

PIECES = st.one_of(
    st.sampled_from([around.format(value) for _, value, around in FOUND]),
    st.sampled_from([value for _, value, _ in FOUND] + LEFT),
    st.integers(0, 10**24).map(str),
    st.lists(st.integers(0, 10**6), max_size=20).map(lambda row: " ".join(map(str, row))),
    st.text(alphabet="0123456789 .-/,:+()\\nAXa\u00a0\n", max_size=30),
)
TEXTS = st.lists(PIECES, max_size=6).map(" ".join) | st.lists(PIECES, max_size=6).map("".join)


def one_by_one(text: str) -> list[Span]:
    found = []
    for detector in DETECTORS:
        for start in range(len(text)):
            match = detector.pattern.match(text, start)
            span = match and detector.judge(text, start, match.end())
            if span is not None:
                found.append(span)
    return found


@given(TEXTS)
@settings(max_examples=200)
@example("+49 151 12345678")
@example("1 2 3 4 5 6 7 8 9 " * 4)
def test_it_comes_to_the_same_but_for_numbers_in_a_row_that_need_a_word(text):
    found: list[Span] = []
    Together(DETECTORS).find(text, 0, len(text), len(text), len(text), found)
    missing = set(one_by_one(text)) - set(found)
    assert set(found) <= set(one_by_one(text))
    for span in missing:
        assert span.needs is not None
        assert span.start > 40
        assert not re.search(r"[A-Za-z\n]", text[span.start - 41 : span.start])


def test_a_word_between_a_row_and_a_number_counts():
    row = "1.5, " * 20
    text = f"{row}phone 5551234567, {row}"
    assert Redactor().redact_text(text, Names()) == f"{row}phone <PHONE_1>, {row}"


def test_a_member_counts_as_a_word_also_after_a_row_of_numbers():
    value = {"numbers": "1.5, " * 20, "phone": "5551234567"}
    assert Redactor().redact_json(value, Names())["phone"] == "<PHONE_1>"
