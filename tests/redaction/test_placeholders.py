"""Placeholders: the same value has the same, and one that is in the text already is nobody else's."""

from __future__ import annotations

from usage.transcripts.redact import Names, Redactor

REDACTOR = Redactor()


def redact(text: str, names: Names | None = None) -> str:
    return REDACTOR.redact_text(text, names or Names())


def test_the_same_value_has_the_same_number_however_it_is_written():
    assert redact("a@x.example, b@x.example, A@X.Example") == "<EMAIL_1>, <EMAIL_2>, <EMAIL_1>"
    assert redact("4111 1111 1111 1111 4111-1111-1111-1111") == "<CARD_1> <CARD_1>"
    assert redact("+49 151 12345678 or 0049 151 12345678") == "<PHONE_1> or <PHONE_1>"
    assert redact("2001:db8::1 2001:0DB8:0:0:0:0:0:1") == "<IP_1> <IP_1>"


def test_numbers_go_on_through_a_conversation_and_begin_anew_in_another():
    names = Names()
    assert redact("a@x.example", names) == "<EMAIL_1>"
    assert redact("b@x.example and a@x.example", names) == "<EMAIL_2> and <EMAIL_1>"
    assert redact("b@x.example") == "<EMAIL_1>"


def test_it_is_counted_what_was_replaced():
    names = Names()
    redact("a@x.example a@x.example 4111111111111111", names)
    assert names.counts == {"EMAIL": 2, "CARD": 1}


def test_a_placeholder_in_the_text_stays_and_no_value_gets_its_number():
    assert redact("<EMAIL_1> is not a@x.example") == "<EMAIL_1> is not <EMAIL_2>"


def test_a_placeholder_that_comes_after_a_value_of_its_number_gets_another():
    assert redact("a@x.example is not <EMAIL_1>") == "<EMAIL_1> is not <EMAIL_2>"
    assert (
        redact("a@x.example <EMAIL_2> <EMAIL_1> <EMAIL_1>")
        == "<EMAIL_1> <EMAIL_2> <EMAIL_3> <EMAIL_3>"
    )


def test_a_text_that_was_redacted_before_stays_as_it_is():
    names = Names()
    once = redact("a@x.example is not <EMAIL_1>", names)
    assert redact(once, names) == once
    assert redact(once) == once


def test_what_is_no_placeholder_is_text():
    for text in ("<EMAIL_>", "<email_1>", "<H_1x>", "< EMAIL_1>"):
        assert redact(f"{text} a@x.example") == f"{text} <EMAIL_1>"
