"""What a pattern of model names may look like, and what is wrong with one that may not be. Pure.

`*` stands for any text, slashes too, and `?` for one character; everything else stands for itself.
Brackets and braces are refused: elsewhere they are wildcards, here they would match nothing.
"""

from __future__ import annotations

LONGEST_NAME = 200
NOT_OURS = "[]{}|\\"


def pattern_problem(text: str) -> str | None:
    """Why a pattern cannot match any model name; None if it can."""
    problem = _text_problem(text)
    if problem is not None:
        return problem
    strange = sorted(set(text) & set(NOT_OURS))
    if strange:
        return (
            f"The pattern {text!r} does not parse: {' '.join(strange)} has no meaning here. "
            "Use * for any text and ? for one character."
        )
    return None


def name_problem(text: str) -> str | None:
    """Why a text cannot be one model's name (or `*` for any); None if it can."""
    problem = _text_problem(text)
    if problem is None and text != "*" and ("*" in text or "?" in text):
        return f"{text!r} is a pattern; here stands one model's name, or * alone for any."
    return problem


def _text_problem(text: str) -> str | None:
    if not text:
        return "A model name is missing."
    if len(text) > LONGEST_NAME:
        return f"A model name has at most {LONGEST_NAME} characters."
    if any(mark.isspace() or not mark.isprintable() for mark in text):
        return f"The model name {text!r} holds a blank or a control character."
    return None
