"""Names and places: whatever finds them is handed in; spaCy is one such, if it is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from usage.transcripts.people import PeopleUnavailable, load_people
from usage.transcripts.redact import Names, Redactor
from usage.transcripts.spans import Span


def find_ada(text):
    start = text.find("Ada Lovelace")
    return [Span(start, start + 12, "PERSON")] if start >= 0 else []


def test_names_that_are_found_get_placeholders_like_everything_else():
    redactor = Redactor(people=find_ada)
    names = Names()
    said = {"content": "I am Ada Lovelace, ada@example.com"}
    assert redactor.redact_json(said, names) == {"content": "I am <PERSON_1>, <EMAIL_1>"}
    assert redactor.redact_text("Ada Lovelace again", names) == "<PERSON_1> again"


def test_names_in_the_json_of_a_string_are_found_and_it_stays_json():
    redactor = Redactor(people=find_ada)
    assert (
        redactor.redact_json('{"to": "Ada Lovelace", "n": 1}', Names())
        == '{"to": "<PERSON_1>", "n": 1}'
    )


def test_without_spacy_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(PeopleUnavailable, match=r"need spaCy.*pip install -r requirements-nlp\.in"):
        load_people("en_core_web_sm")


def test_the_file_that_is_named_names_spacy():
    assert "spacy" in (Path(__file__).parents[2] / "requirements-nlp.in").read_text()


def test_a_model_that_is_not_there_is_not_downloaded():
    pytest.importorskip("spacy", reason="the extra requirements-nlp.in is not installed")
    with pytest.raises(PeopleUnavailable, match="'no_such_model' is not installed"):
        load_people("no_such_model")


def test_a_model_finds_people_and_places_in_long_texts_too(tmp_path):
    spacy = pytest.importorskip("spacy", reason="the extra requirements-nlp.in is not installed")
    language = spacy.blank("en")
    ruler = language.add_pipe("entity_ruler")
    ruler.add_patterns(
        [
            {"label": "PERSON", "pattern": "Ada Lovelace"},
            {"label": "GPE", "pattern": "London"},
            {"label": "ORG", "pattern": "Acme"},
        ]
    )
    language.to_disk(tmp_path)
    redactor = Redactor(people=load_people(str(tmp_path)))
    text = "some words " * 6000 + "Ada Lovelace of Acme in London"
    assert redactor.redact_text(text, Names()).endswith(" <PERSON_1> of Acme in <PLACE_1>")
