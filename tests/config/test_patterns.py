"""Patterns of model names: what they match, at which cost, and what may not stand in one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.keys import model_pattern
from usage.patterns import name_problem, pattern_problem


def matches(pattern: str, name: str) -> bool:
    """The meaning, spelled out without regular expressions."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return matches(pattern[1:], name) or (bool(name) and matches(pattern, name[1:]))
    return bool(name) and pattern[0] in ("?", name[0]) and matches(pattern[1:], name[1:])


@given(st.text("ab*?/.", max_size=7), st.text("ab/.", max_size=9))
def test_a_pattern_matches_what_it_means(pattern, name):
    assert bool(model_pattern(pattern).fullmatch(name)) is matches(pattern, name)


def test_a_long_name_against_many_stars_takes_no_time():
    pattern = model_pattern("*a" * 20 + "*b")
    began = time.perf_counter()
    assert pattern.fullmatch("a" * 5000) is None
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("pattern", ["gpt-*", "*", "a/b:c@d", "o?-*", "claude-3.5+x", "модель"])
def test_names_and_the_two_wildcards_are_patterns(pattern):
    assert pattern_problem(pattern) is None


@pytest.mark.parametrize(
    "pattern", ["", "a b", "a\n", "[ab]", "a]", "{a,b}", "a|b", "\\d", "x" * 201]
)
def test_other_wildcards_and_blanks_are_not(pattern):
    assert pattern_problem(pattern) is not None


def test_one_models_name_is_no_pattern_but_may_be_the_star():
    assert name_problem("*") is None
    assert name_problem("llama3[instruct]") is None
    assert name_problem("gpt-*") is not None
