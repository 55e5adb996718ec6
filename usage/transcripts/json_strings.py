"""The strings of JSON texts, without parsing them into objects. Pure.

Between quotation marks are the strings, once no mark within one is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from providers.wire.octets import BACKSLASH
from usage.transcripts.secret_names import secret_names

SHORTEST_DATA = 512
"""Base64 of this length is an image, a sound or a file, and is not read as text."""
SHORTEST_WITH_DATA = 8192
"""What is shorter is searched as text sooner than it is looked through for such data."""
MOST_JSON_IN_JSON = 8

_FIRST = (b"{", b"[", b" ", b"\\")
"""How a string may begin that is JSON: with a bracket, or a blank, as JSON writes it."""

_escaped_bracket = re.compile(rb"\\u00[57][bdBD]")
_check = msgspec.json.Decoder(msgspec.Raw).decode
_string = msgspec.json.Decoder(str).decode
_data = re.compile(rb'"(?:data:[^,\s"]{0,200},)?[A-Za-z0-9+/_\-\\]{256}')
"""How a string of such data begins."""


def strings_of(documents: Iterable[bytes]) -> set[bytes] | None:
    """Their different strings and names of members, as JSON writes them; of JSON within a string its
    strings instead.

    None where a document must be looked at closely: for base64, for a name that says what it holds to be
    secret within a string, and where it is no JSON.
    """
    found: set[bytes] = set()
    try:
        for document in documents:
            _check(document)
            parts = _parts(document, MOST_JSON_IN_JSON)
            if parts is None:
                return None
            found.update(parts)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found


def may_be_json(text: str) -> bool:
    """Whether a text has the edges of an object or a list; blanks and line ends may stand around it."""
    inner = text.strip(" \t\r\n")
    return inner[:1] in ("{", "[") and inner[-1] in "}]"


def may_name_a_secret(text: str) -> bool:
    """Whether a member of JSON without escapes may say to be secret."""
    return bool(secret_names(text.split('"')))


def _parts(document: bytes, depth: int) -> list[bytes] | None:
    """The strings as JSON writes them, of a document that is known to be JSON."""
    if len(document) > SHORTEST_WITH_DATA and _data.search(document):
        return None
    if BACKSLASH not in document:
        return document.split(b'"')[1::2]
    # what a backslash and a quotation mark are called as well
    document = document.replace(b"\\\\", b"\\u005c").replace(b'\\"', b"\\u0022")
    if _escaped_bracket.search(document):  # JSON within a string may begin or end with it
        return None
    parts = document.split(b'"')[1::2]
    if b'"{' in document or b'"[' in document or b'" ' in document or b'"\\' in document:
        found: list[bytes] = []
        for part in parts:
            inner = _inner(part, depth)
            if inner is None:
                return None
            found += inner
        return found
    return parts


def _inner(part: bytes, depth: int) -> list[bytes] | None:
    """The strings of a string that is JSON with marks escaped in it, else the string itself.

    None where a name within it says something to be secret.
    """
    if not depth or part[:1] not in _FIRST:
        return [part]
    text = _string(b'"' + part + b'"')
    if not may_be_json(text):
        return [part]
    if "\\" in text:
        try:
            inner = text.encode()
            _check(inner)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None  # who looks closely takes NaN and halves of characters as well
        return _parts(inner, depth - 1)
    return None if may_name_a_secret(text) else [part]
