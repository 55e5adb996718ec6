"""Make values of a Record fit the columns of the books: no text too long, no number too big.

What a client or a provider sends can be any length; one such value must not keep a record, or
the batch that it is in, out of the database. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

BIGGEST = 2**44
"""Far beyond any request, and a million of it still add up to less than a column holds."""
LONGEST_NESTED_TEXT = 2000
MOST_NESTED = 100


def fit_text(text: str, longest: int) -> str:
    """Cut to size, without the characters that no database takes (U+0000, lone surrogates)."""
    cut = text[:longest]
    if "\0" in cut:
        cut = cut.replace("\0", "")
    return cut if cut.isascii() else cut.encode("utf-8", "replace").decode()


def fit_number(number: int) -> int:
    return max(-BIGGEST, min(BIGGEST, number))


def fit_value(value: Any, longest: int = LONGEST_NESTED_TEXT) -> Any:
    """The same value where it fits, else the nearest that does. Collections are cut, too."""
    if isinstance(value, str):
        return fit_text(value, longest)
    if isinstance(value, int) and not isinstance(value, bool):
        return fit_number(value)
    if isinstance(value, dict):
        members = list(value.items())[:MOST_NESTED]
        return {fit_text(str(name), longest): fit_value(member) for name, member in members}
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.astuple(value)
    if isinstance(value, list | tuple):
        return [fit_value(member) for member in value[:MOST_NESTED]]
    return value
