"""The words that a text is found by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.transcripts.index_words import places_of, words_of
from usage.transcripts.query import Piece, read_query, snippet


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What's the capital, please?", "what s the capital please"),
        ("ada@example.com /tmp/a_b-c.txt 9.5%", "ada example com tmp a b c txt 9 5"),
        ("Café NAÏVE straße ﬁn ＦＵＬＬ", "cafe naive strasse fin full"),
        ("Ёлка ΣΊΣΥΦΟΣ İstanbul", "елка σισυφοσ istanbul"),
        ("東京都に行く", "東 京 都 に 行 く"),
        ("GPT4を使う", "gpt4 を 使 う"),
        ("<b>bold</b> a\u2014b “quoted”", "b bold b a b quoted"),
        ("\0 ' \" \\ : & | ! ( ) * ", ""),
    ],
)
def test_words_are_letters_and_digits_without_size_and_accents(text: str, words: str):
    assert words_of(text) == words.split()


@given(st.text())
def test_words_of_words_are_the_same_words(text: str):
    words = words_of(text)
    assert words_of(" ".join(words)) == words


@given(st.text())
def test_each_word_has_its_place(text: str):
    places = list(places_of(text))
    for place in places:
        assert place.word in words_of(text[place.begin : place.end])
    assert [place.begin for place in places] == sorted(place.begin for place in places)


def test_a_long_text_has_the_words_of_its_parts():
    text = "naïve words, " * 10_000
    assert words_of(text) == ["naive", "words"] * 10_000


@pytest.mark.parametrize(
    ("typed", "phrases"),
    [
        ("capital of France", ["capital", "of", "france"]),
        ('"capital of France" please', ["capital of france", "please"]),
        ("„capital of“ «of France»", ["capital of", "of france"]),
        ("foo AND bar OR NOT baz", ["foo", "and", "bar", "or", "not", "baz"]),
        ("NEAR(a b, 2) col:x -y z*", ["near a", "b", "2", "col x", "y", "z"]),
        ("gpt-4o ada@example.com", ["gpt 4o", "ada example com"]),
        ("東京", ["東 京"]),
        ('"never closed', ["never", "closed"]),
        ("it's 'fine'); DROP TABLE x; --", ["it s", "fine", "drop", "table", "x"]),
        ("a a A", ["a"]),
        ("\"\" '' ** \0", []),
    ],
)
def test_what_is_typed_is_words_and_in_quotes_phrases(typed: str, phrases: list[str]):
    assert [" ".join(phrase) for phrase in read_query(typed).phrases] == phrases


def test_a_snippet_shows_where_the_words_stand():
    text = "Intro. " * 2000 + "And the capital of France is Paris, of course. " + "Outro. " * 2000
    pieces = snippet(read_query('"capital of" paris'), text)
    assert [piece.text for piece in pieces if piece.found] == ["capital of", "Paris"]
    assert "".join(piece.text for piece in pieces).startswith("…Intro.")
    assert pieces[-1] == Piece("…", False)
    assert len("".join(piece.text for piece in pieces)) < 300


@given(st.text(alphabet='ab "é東', max_size=30), st.text(alphabet="ab .é東\u0301", max_size=300))
def test_a_snippet_says_nothing_that_the_text_does_not(typed: str, text: str):
    shown = "".join(piece.text for piece in snippet(read_query(typed), text))
    assert shown.removeprefix("…").removesuffix("…") in text


def test_a_snippet_of_a_hit_marks_something():
    query = read_query("straße 東京 naïve")
    for text in ("die STRASSE dort", "昨日東京都に", "a nai\u0308ve idea"):
        assert any(piece.found for piece in snippet(query, text)), text
