"""Names of people and places, by a model of spaCy: an extra that is installed by whoever wants it.

Never downloads anything: a model is a package, or a directory, that is there already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from usage.transcripts.spans import Span

LABELS = {"PERSON": "PERSON", "PER": "PERSON", "GPE": "PLACE", "LOC": "PLACE", "FAC": "PLACE"}
"""What models call them (OntoNotes, and WikiNER for other languages), and what we do."""
NOT_NEEDED = (
    "tagger",
    "parser",
    "senter",
    "morphologizer",
    "attribute_ruler",
    "lemmatizer",
    "textcat",
)
"""Parts of models that say nothing of names; without them a text takes half the time."""
MOST_CHARACTERS = 50_000
"""Longer texts are read in parts: memory of a model grows with the text."""


class PeopleUnavailable(Exception):
    """Names and places cannot be found here; the message says what is missing."""


def load_people(model: str) -> Callable[[str], Iterable[Span]]:
    """A finder for `Redactor(people=…)`. The model is the name of an installed one, or a directory."""
    try:
        import spacy  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise PeopleUnavailable(
            "Names and places need spaCy, which is not installed. "
            "Install it with: pip install -r requirements-nlp.in"
        ) from None
    try:
        language = spacy.load(model, exclude=NOT_NEEDED)
    except OSError:
        raise PeopleUnavailable(
            f"The spaCy model {model!r} is not installed, and nothing is downloaded here. "
            "Install its package beside spaCy, or name a directory that holds one."
        ) from None
    return lambda text: _people(language, text)


def _people(language: Any, text: str) -> Iterable[Span]:
    start = 0
    while start < len(text):
        end = _part_end(text, start)
        for entity in language(text[start:end]).ents:
            kind = LABELS.get(entity.label_)
            if kind is not None:
                yield Span(start + entity.start_char, start + entity.end_char, kind)
        start = end


def _part_end(text: str, start: int) -> int:
    """At the end of a line or of a word, if there is one; names are not cut there."""
    end = start + MOST_CHARACTERS
    if end >= len(text):
        return len(text)
    for mark in ("\n", " "):
        place = text.rfind(mark, start, end)
        if place > start:
            return place + 1
    return end
