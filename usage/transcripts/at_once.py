"""All strings of JSON texts as one text, so that one search tells whether any of them holds something. Pure.

Nothing is parsed into objects: between quotation marks are the strings, once no mark within one is left.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec

from usage.transcripts.secret_names import any_may_name_a_secret
from usage.transcripts.spans import Span

SHORTEST_DATA = 512
"""Base64 of this length is an image, a sound or a file, and is not read as text."""
SHORTEST_WITH_DATA = 8192
"""What is shorter is searched as text sooner than it is looked through for such data."""
MOST_JSON_IN_JSON = 8
BETWEEN = "\n\0\n"
"""Between texts of different exchanges: nothing that is looked for goes across it."""

_FIRST = (b"{", b"[", b" ", b"\\")
"""How a string may begin that is JSON: with a bracket, or a blank, as JSON writes it."""

_escaped_bracket = re.compile(rb"\\u00[57][bdBD]")
_check = msgspec.json.Decoder(msgspec.Raw).decode
_string = msgspec.json.Decoder(str).decode
_data = re.compile(rb'"(?:data:[^,\s"]{0,200},)?[A-Za-z0-9+/_\-\\]{256}')
"""How a string of such data begins."""


def strings_at_once(exchanges: Sequence[Sequence[bytes]]) -> list[str | None]:
    """Of each exchange's documents the strings and names of members, a line each; those of JSON within
    strings instead of it.

    None where one of them must be looked at by itself: base64, and what a name says to be secret; and
    where a document is no JSON.
    """
    strings = [_strings(documents) for documents in exchanges]
    # Names come again in each, so they are looked at once.
    different = set[bytes]().union(*(each for each in strings if each is not None))
    harmless = not any_may_name_a_secret(b"\n".join(different))
    return [None if each is None else _as_text(each, harmless) for each in strings]


def _strings(documents: Sequence[bytes]) -> list[bytes] | None:
    """As JSON writes them."""
    found: list[bytes] = []
    try:
        for document in documents:
            _check(document)
            parts = _parts(document, MOST_JSON_IN_JSON)
            if parts is None:
                return None
            found += parts
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found


def _as_text(strings: list[bytes], harmless: bool) -> str | None:
    """A line each. `harmless` says that, as they are written, none of them is the name of a secret."""
    raw = b"\n".join(strings)
    try:
        if b"\\" in raw:
            text = _string(b'"' + raw.replace(b"\n", b"\\n") + b'"')
            raw, harmless = text.encode("latin-1", "replace"), False
        else:
            text = raw.decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return text if harmless or not any_may_name_a_secret(raw) else None


def holding(texts: Iterable[str], found: Iterable[Span]) -> set[int]:
    """The numbers of the texts that spans lie in, after they were joined with BETWEEN."""
    ends = [*accumulate(len(text) + len(BETWEEN) for text in texts)]
    return {
        number
        for span in found
        for number in range(bisect_right(ends, span.start), bisect_right(ends, span.end - 1) + 1)
    }


def may_be_json(text: str) -> bool:
    """Whether a text has the edges of an object or a list; blanks and line ends may stand around it."""
    inner = text.strip(" \t\r\n")
    return inner[:1] in ("{", "[") and inner[-1] in "}]"


def may_name_a_secret(text: str) -> bool:
    """Whether a member of JSON without escapes may say to be secret."""
    return any_may_name_a_secret(text.replace('"', "\n").encode("utf-8", "replace"))


def _parts(document: bytes, depth: int) -> list[bytes] | None:
    """The strings as JSON writes them, of a document that is known to be JSON."""
    if len(document) > SHORTEST_WITH_DATA and _data.search(document):
        return None
    if b"\\" not in document:
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
