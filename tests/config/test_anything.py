"""Whatever a file holds, it is read to an end: mistakes are named, nothing crashes."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.problems import DocumentInvalid, Problem
from providers.secrets import SecretMissing
from routing.compile import compile_document
from routing.document import read
from routing.file_secrets import client_keys, credential_problems
from routing.references import NOTHING_KNOWN, check
from tests.config.files import WHOLE

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(data: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a document."""
    found = [here]
    if isinstance(data, dict | list):
        for step, value in data.items() if isinstance(data, dict) else enumerate(data):
            found += places(value, (*here, step))
    return found


def changed(place: tuple[Any, ...], value: Any) -> Any:
    """The whole file with something else at one place."""
    if not place:
        return value
    document = deepcopy(WHOLE)
    parent: Any = document
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    return document


def missing(stored: str, bound_to: str) -> str:
    raise SecretMissing("gone.")


@settings(max_examples=200)
@given(st.sampled_from(places(WHOLE)), VALUES)
def test_anything_anywhere_is_read_or_refused(place, value):
    document = changed(place, value)
    entries, problems = read(document)
    problems += check(entries, NOTHING_KNOWN)
    credential_problems(entries, {})
    client_keys(entries)
    assert all(problem.message for problem in problems)
    assert refusals(document) == problems


def refusals(document: Any) -> list[Problem]:
    try:
        compile_document(document, missing)
    except DocumentInvalid as error:
        return error.problems
    return []
