"""What is taken for personal data, and what only looks like it."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.redaction.samples import FOUND, LEFT
from usage.transcripts.detectors import DETECTORS, KINDS
from usage.transcripts.redact import Names, Redactor

REDACTOR = Redactor()


@pytest.mark.parametrize(("kind", "value", "around"), FOUND)
def test_personal_data_is_replaced_and_what_surrounds_it_stays(kind, value, around):
    around = around.replace(value, "{}")
    redacted = REDACTOR.redact_text(around.format(*[value] * 2), Names())
    assert redacted == around.format(*[f"<{kind}_1>"] * 2)


@pytest.mark.parametrize("text", LEFT)
def test_what_only_looks_like_personal_data_stays(text):
    assert REDACTOR.redact_text(text, Names()) == text


@pytest.mark.parametrize("text", LEFT)
def test_it_stays_within_a_sentence_that_has_some(text):
    sentence = f"alice@example.com said: {text} and called +49 151 12345678."
    assert (
        REDACTOR.redact_text(sentence, Names()) == f"<EMAIL_1> said: {text} and called <PHONE_1>."
    )


def test_every_detector_finds_something_and_names_its_source():
    found: Counter[str] = Counter()
    for _, value, around in FOUND:
        text = around.format(value)
        for detector in DETECTORS:
            match = detector.pattern.search(text)
            while match is not None:
                found[detector.name] += detector.judge(text, *match.span()) is not None
                match = detector.pattern.search(text, match.start() + 1)
    rare = {"dk_cpr", "kr_rrn", "jp_my_number"}  # no check digits worth a sample, or as others
    assert {detector.name for detector in DETECTORS} - rare == {
        name for name in found if found[name]
    } - rare
    assert all(detector.source for detector in DETECTORS)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("123456782", "123456782"),
        ("my SIN is 123456782", "my SIN is <NATIONAL_ID_1>"),
        ("tax_file_number: 123456782", "tax_file_number: 123456782"),
        ("tax file number: 123456782", "tax file number: <NATIONAL_ID_1>"),
        ("SSN a@b.example 123456789", "SSN <EMAIL_1> 123456789"),
        ("personnummer 010190-1234", "personnummer <NATIONAL_ID_1>"),
        ("900101-1234567", "<NATIONAL_ID_1>"),
    ],
)
def test_a_number_without_a_shape_of_its_own_needs_a_word_before_it(text, redacted):
    assert REDACTOR.redact_text(text, Names()) == redacted


def test_values_that_overlap_are_hidden_whole():
    redacted = REDACTOR.redact_text("4111 1111 1111 1111.bob@example.com", Names())
    assert not set(redacted) & set("4b@")


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_chosen_kinds_are_replaced(kind):
    redactor = Redactor(kinds=[kind])
    text = "\n".join(around.format(value) for _, value, around in FOUND)
    names = Names()
    redactor.redact_text(text, names)
    assert set(names.counts) == {kind}


def test_an_unknown_kind_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="There is no kind 'FACE'. The kinds are EMAIL, PHONE"):
        Redactor(kinds=["FACE"])


@pytest.mark.parametrize("end", ["\\n", "\\r\\n", "\\t"])
@pytest.mark.parametrize(("kind", "value", "sentence"), FOUND)
def test_what_begins_after_a_line_end_that_is_written_out_is_found(
    kind: str, value: str, sentence: str, end: str
):
    """As in JSON that is a part of a text only, such as a block of code."""
    assert f"<{kind}_1>" in REDACTOR.redact_text(f"log{end}{sentence.format(value)}", Names())
