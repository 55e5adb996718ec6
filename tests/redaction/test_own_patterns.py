"""An operator's own patterns: those that are safe work, the others are refused in a sentence."""

from __future__ import annotations

import re
from string import ascii_lowercase, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.redaction.steps import Steps
from usage.transcripts.redact import Names, Redactor
from usage.transcripts.safe_pattern import (
    LONGEST_PATTERN,
    MOST_WIDTH,
    MOST_WORK,
    SafePattern,
    UnsafePattern,
)
from usage.transcripts.spans import Span

SAFE = [
    (r"EMP-\d{4,8}", "EMP-12345"),
    (r"(?i)\bproject (?:falcon|heron)\b", "Project Falcon"),
    (r"[A-Z]{2,5}-\d{1,6}", "JIRA-77"),
    (r"[a-z]{1,20}@corp\.example", "me@corp.example"),
    (r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}", "00:1A:2B:3C:4D:5E"),
    (r"(?:[A-Z]{1,3}-){1,5}\d{2}", "AB-C-12"),
    (r"Kunde(?:nnummer)? ?\d{5}", "Kundennummer 12345"),
    (r"(?:a|ab){10}c", "aabaabaaaabaabc"),
    (r"müller|Größe|größer", "größer"),
]
UNSAFE = [
    (r"\d+", "has no upper bound: in place of * or +, write how many at most, as in {1,20}."),
    (r"a*b", "has no upper bound"),
    (r"a{3,}", "has no upper bound"),
    (r"(a+)+b", "has no upper bound"),
    (r"(a{1,10}){1,10}b", "in a million ways or more"),
    (r"(a|a){1,30}b", "in a million ways or more"),
    (r"(abb|a\w\w){10}c", "in 1024 ways or more"),
    (r"(?:\w{1,3}\s?){1,20}x", "in a million ways or more"),
    (r"\w{1,50}\w{1,50}x", "in 2500 ways or more"),
    (r"(ab)\1", "repeats what a group matched"),
    (r"(?=ab)abc", "looks ahead or behind"),
    (r"(?<!x)abc", "looks ahead or behind"),
    (r"q[^;]{2,4}+\b", "has a repeat that gives nothing back; leave out the + behind it."),
    (r"q(?>[^;]{2,4})\b", "has a group that gives nothing back; write (?: instead of (?>."),
    (r"(a)?(?(1)b|c)d", "depends on whether a group matched"),
    (r"^abc", "holds to the beginning or the end of the text"),
    (r"abc\Z", "holds to the beginning or the end of the text"),
    (r"(?:a?){1,9}", "repeats what can be empty"),
    (r"a?", "can match 0 characters. It must match at least 2."),
    (r"\d", "can match 1 character. It must match at least 2."),
    (r"x{300}", "can match 300 characters. At most 200 are allowed."),
    (r"\w{1,8}\w{1,8}[a-z]{180}x", "can compare 12608 characters at one place of a text"),
    (
        f"(?:{'|'.join(f'{mark}x' for mark in ascii_lowercase + digits)}){{1,60}}-",
        "At most 4000 are allowed",
    ),
    (r"(", "is no regular expression: "),
    ("ab\ncd", r"has a character that cannot be seen. Write it as in \n, \t or \u00a0."),
    ("x" * 501, "has 501 characters. At most 500 are allowed."),
]


@pytest.mark.parametrize(("pattern", "value"), SAFE)
def test_a_safe_pattern_is_taken_and_hides_what_it_matches(pattern, value):
    redactor = Redactor(patterns={"OWN": pattern})
    assert redactor.redact_text(f"about {value}.", Names()) == "about <OWN_1>."
    assert redactor.redact_json({"model": f"about {value}."}, Names()) == {
        "model": "about <OWN_1>."
    }


@pytest.mark.parametrize(("pattern", "sentence"), UNSAFE)
def test_an_unsafe_pattern_is_refused_in_a_sentence(pattern, sentence):
    with pytest.raises(UnsafePattern) as refused:
        SafePattern("OWN", pattern)
    message = str(refused.value)
    assert message.startswith("The pattern OWN ")
    assert sentence in message
    assert message.endswith(".")


@pytest.mark.parametrize("name", ["own", "", "1A", "A B", "A" * 31, "ÄRZTE", "A\n"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(UnsafePattern, match="cannot be the name of a pattern"):
        SafePattern(name, "abc")


@pytest.mark.parametrize("name", ["EMAIL", "SECRET", "PERSON", "PEOPLE", "ALL", "NONE"])
def test_a_name_that_means_something_already_is_refused(name):
    with pytest.raises(UnsafePattern, match=f"{name} is the name of something built in"):
        SafePattern(name, "abc")


PARTS = st.sampled_from(
    [
        r"\d",
        "a",
        "b",
        "[ab]",
        r"\w",
        ".",
        "x{1,3}",
        "a{0,4}",
        r"\b",
        "(?:a|b)",
        "(?:ab|a)",
        "(?:a{1,3}b)",
        "-",
    ]
)
PATTERNS = st.lists(
    st.tuples(PARTS, st.sampled_from(["", "", "?", "{1,5}", "{2}", "{0,3}?"])), max_size=7
)


@given(PATTERNS, st.text(alphabet="ab-x1 ", max_size=30))
def test_what_is_taken_matches_no_more_than_its_width(parts, text):
    pattern = "".join(f"(?:{part}){repeat}" for part, repeat in parts)
    try:
        own = SafePattern("OWN", pattern)
    except UnsafePattern:
        return
    assert own.width <= MOST_WIDTH
    assert all(len(match[0]) <= own.width for match in re.finditer(pattern, text))


WORST = [
    (r"\w{1,40}\dx", "1"),
    (r"(?:EMP-\d{1,3}){1,9}x", "EMP-1"),
    (r"\w{1,8}\w{1,8}x", "a"),
    (r"(?:a|ab){6}c", "ab"),
    (r"(?:a{1,3}b){1,9}-", "aab"),
    (r"\w{1,8}\w{1,8}[a-z]{40}x", "a"),
    (r"(?:ab|cd|ef|gh|ij|kl|mn|op|qr|st){1,30}x", "st"),
]


BOUND = MOST_WORK + LONGEST_PATTERN
"""Alternatives that are not repeated come on top, each once; they are no more than the pattern is long."""


def most_steps(pattern: str, text: str) -> int:
    """Characters that are compared at the place of the text where it takes the most."""
    return max(map(Steps(pattern, text).at, range(len(text) + 1)))


@pytest.mark.parametrize(("pattern", "unit"), WORST)
def test_what_is_taken_is_decided_in_a_bounded_number_of_steps(pattern, unit):
    SafePattern("OWN", pattern)
    taken = most_steps(pattern, unit * 65)
    assert taken <= BOUND
    assert most_steps(pattern, unit * 75) == taken, "however long the text is"


def test_the_steps_of_what_is_refused_have_no_such_bound():
    pattern = "(a{1,10}){1,10}b"
    with pytest.raises(UnsafePattern):
        SafePattern("OWN", pattern)
    assert most_steps(pattern, "a" * 16) > 100 * most_steps(pattern, "a" * 8)


@given(PATTERNS, st.text(alphabet="ab-x1 ", max_size=30))
def test_no_pattern_that_is_taken_needs_more(parts, text):
    pattern = "".join(f"(?:{part}){repeat}" for part, repeat in parts)
    try:
        SafePattern("OWN", pattern)
    except UnsafePattern:
        return
    assert most_steps(pattern, text) <= BOUND


@pytest.mark.parametrize("before", [990, 995, 999, 1000, 1001, 1990])
def test_a_long_text_is_searched_piece_by_piece_and_nothing_is_missed_where_they_meet(before):
    own = SafePattern("OWN", r"\bEMP-\d{4,8}\b")
    text = "." * before + "EMP-12345678 EMP-123456789" + "." * 2000 + "EMP-1234"
    found: list[Span] = []
    own.find(text, 0, len(text), found)
    assert [(span.start, text[span.start : span.end]) for span in found] == [
        (before, "EMP-12345678"),
        (len(text) - 8, "EMP-1234"),
    ]
