"""Take personal data and secrets out of texts and parsed JSON. Pure: no I/O, no Django, no threads.

If anything here fails the caller gets Unredactable, and must not write the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from providers.wire.octets import CR, LF
from usage.transcripts.cut import Beginning
from usage.transcripts.detectors import KINDS, Finder
from usage.transcripts.harmless import Harmless
from usage.transcripts.json_strings import (
    MOST_JSON_IN_JSON,
    SHORTEST_DATA,
    may_be_json,
    may_name_a_secret,
    strings_of,
)
from usage.transcripts.placeholders import LONGEST_PLACEHOLDER, Names, Painter, literals
from usage.transcripts.safe_pattern import safe_pattern
from usage.transcripts.secret_names import is_secret
from usage.transcripts.secrets import SecretFilter
from usage.transcripts.shapes import LONGEST
from usage.transcripts.spans import HIDDEN, SECRET, Span

__all__ = ["KINDS", "Names", "Redactor", "Span", "Unredactable"]

People = Callable[[str], Iterable[Span]]
"""Finds names and places: spans of kind PERSON or PLACE, or of any other name of that form."""

Redacted = tuple[list[bytes], Mapping[str, int]]
"""Documents, and how much was replaced in them, by kind."""

LOOK_AROUND = 8
"""How far the edges of a shape look."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_data = re.compile(r"(?:data:[^,\s]{0,200},)?[A-Za-z0-9+/_\-]+={0,2}\s*")


class Unredactable(Exception):
    """A text could not be redacted, so it must not be kept."""


class Redactor:
    """One policy: which kinds, which patterns of the operator's own, which secrets. Never changes."""

    def __init__(
        self,
        *,
        kinds: Collection[str] = KINDS,
        patterns: Mapping[str, str] | None = None,
        secrets: SecretFilter | None = None,
        people: People | None = None,
    ) -> None:
        self._finder = Finder(kinds)
        self._own = [safe_pattern(name, text) for name, text in (patterns or {}).items()]
        self.secrets = secrets
        self.people = people
        self._no_harm = Harmless(lambda text: self.find(text, 0, len(text)))

    @property
    def longest(self) -> int:
        """What begins at a place is known from so many characters after it."""
        widths = [LONGEST, LONGEST_PLACEHOLDER, *(own.width for own in self._own)]
        if self.secrets is not None:
            widths.append(self.secrets.longest)
        return max(widths) + LOOK_AROUND

    def redact_text(self, text: str, names: Names, context: str = "") -> str:
        """The text with placeholders. `context` is what is known to stand before it, as a member's name."""
        with Guard():
            return self._redact(text, names, names.begin(), context)

    def redact_documents(self, documents: Sequence[Any], names: Names) -> list[bytes]:
        """JSON texts with their strings redacted, a line each; numbers stay, and names of members that hold
        nothing. Their own bytes where there is nothing to redact. What is no JSON becomes `{"text": …}`.
        What is not bytes is a value already.
        """
        with Guard():
            [harmless] = self._harmless([documents])
            return self._rewrite(documents, names, harmless)

    def redact_together(self, exchanges: Sequence[Sequence[Any]]) -> list[Redacted | None]:
        """The same for the documents of several exchanges, which are searched as one; None where it fails."""
        redacted: list[Redacted | None] = []
        for documents, harmless in zip(exchanges, self._harmless(exchanges), strict=True):
            try:
                if harmless and all(map(_is_bytes, documents)):
                    redacted.append(([*map(_in_one_line, documents)], {}))
                    continue
                names = Names()
                redacted.append((self._rewrite(documents, names, harmless), names.counts))
            except Exception:  # noqa: BLE001 — whatever it is, what was said must not get out
                redacted.append(None)
        return redacted

    def _harmless(self, exchanges: Sequence[Sequence[Any]]) -> list[bool]:
        """Of each exchange's documents, whether there is nothing to redact in those that are bytes."""
        if self.people is not None:
            return [False] * len(exchanges)
        try:
            strings = [strings_of(filter(_is_bytes, documents)) for documents in exchanges]
            return self._no_harm.judge(strings, self.secrets.known_count if self.secrets else 0)
        except Exception:  # noqa: BLE001 — a closer look tells which of them it is
            return [False] * len(exchanges)

    def _rewrite(self, documents: Sequence[Any], names: Names, harmless: bool) -> list[bytes]:
        return [
            _in_one_line(document)
            if harmless and isinstance(document, bytes)
            else _encode(_Walk(self, names, names.begin()).walk(_value_of(document)))
            for document in documents
        ]

    def redact_json(self, value: Any, names: Names) -> Any:
        """A copy of a parsed value with its strings redacted."""
        with Guard():
            return _Walk(self, names, names.begin()).walk(value)

    def find(self, text: str, low: int, high: int, own: bool = True) -> list[Span]:
        """What may have to be replaced and begins from `low` to before `high`, in no order."""
        found: list[Span] = []
        if self.secrets is not None:
            self.secrets.find(text, low, high, found)
        if own:
            for pattern in self._own:
                pattern.find(text, low, high, found)
        self._finder.find(text, low, high, found)
        if "<" in text or ("[" in text and HIDDEN in text):
            literals(text, low, high, found)
        return found

    def _redact(
        self, text: str, names: Names, since: int, context: str = "", own: bool = True
    ) -> str:
        end, mark = _kept(text)
        found = self.find(text, 0, end, own)
        if own and self.people is not None:
            found += (span for span in self.people(text) if span.start < end)
        if not found:
            return text[:end] + mark
        return Painter(names, since, context).paint(text, found, 0, end) + mark


def _kept(text: str) -> tuple[int, str]:
    """How much of a text is kept, and what is to stand behind it."""
    return (text.keep, text.mark) if isinstance(text, Beginning) else (len(text), "")


def _is_bytes(document: Any) -> bool:
    return isinstance(document, bytes)


def _in_one_line(document: bytes) -> bytes:
    return _encode(_decode(document)) if LF in document or CR in document else document


def _value_of(document: Any) -> Any:
    if not isinstance(document, bytes):
        return document
    try:
        return _decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"text": document.decode("utf-8", "replace")}


class Guard:
    """Turns whatever goes wrong into Unredactable. Without its cause: that would carry the text along."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is not None and issubclass(kind, Exception):
            raise Unredactable(f"The body could not be redacted: {kind.__name__}.") from None


class _Walk:
    """One walk through one document, without recursion but for JSON within strings."""

    def __init__(self, redactor: Redactor, names: Names, since: int, depth: int = 0) -> None:
        self._redactor = redactor
        self._names = names
        self._since = since
        self._depth = depth
        self._member_names: dict[str, str] = {}
        self.changed = False

    def walk(self, value: Any) -> Any:
        root: list[Any] = []
        stack: list[tuple[Iterator[tuple[str, Any]], Any, str]] = [(iter([("", value)]), root, "")]
        while stack:
            members, target, above = stack[-1]
            for name, member in members:
                # The items of a list are what the list is called.
                called = name or above
                new, inner = self._value(member, called)
                if isinstance(target, list):
                    target.append(new)
                else:
                    target[self._free_name(name, target)] = new
                if inner is not None:
                    stack.append((inner, new, called))
                    break
            else:
                stack.pop()
        return root[0]

    def _value(self, value: Any, name: str) -> tuple[Any, Iterator[tuple[str, Any]] | None]:
        if isinstance(value, str | int | float) and self._is_secret(name, value):
            if value != HIDDEN:
                self._names.counts[SECRET] += 1
                self.changed = True
            return HIDDEN, None
        if isinstance(value, str):
            new = self._string(value, name)
            self.changed = self.changed or new != value
            return new, None
        if isinstance(value, dict):
            return {}, iter(value.items())
        if isinstance(value, list):
            return [], (("", member) for member in value)
        return value, None

    def _is_secret(self, name: str, value: str | float) -> bool:
        return self._redactor.secrets is not None and is_secret(name, value)

    def _string(self, text: str, name: str) -> str:
        if len(text) >= SHORTEST_DATA and _data.fullmatch(text):
            return self._data(text)
        if isinstance(text, Beginning):
            return self._text(text, name)
        if self._depth < MOST_JSON_IN_JSON and may_be_json(text):
            return self._json(text, name)
        return self._text(text, name)

    def _text(self, text: str, name: str) -> str:
        return self._redactor._redact(text, self._names, self._since, name)

    def _data(self, text: str) -> str:
        """Not read, but for secrets that are known."""
        end, mark = _kept(text)
        self._names.unscanned += end
        found: list[Span] = []
        if self._redactor.secrets is not None:
            self._redactor.secrets.find_known(text, 0, end, found)
        return Painter(self._names, self._since).paint(text, found, 0, end) + mark

    def _json(self, text: str, name: str) -> str:
        """JSON in a string, such as the arguments of a tool call, stays JSON."""
        is_plain = "\\" not in text and not may_name_a_secret(text)
        if is_plain and not self._redactor.find(text, 0, len(text)):
            return text if self._redactor.people is None else self._text(text, name)
        try:
            value = json.loads(text)
            inner = _Walk(self._redactor, self._names, self._since, self._depth + 1)
            new = inner.walk(value)
            return json.dumps(new, ensure_ascii=text.isascii()) if inner.changed else text
        except (ValueError, RecursionError):
            return self._text(text, name)

    def _free_name(self, name: str, target: dict[str, Any]) -> str:
        """A name that holds personal data is redacted, too; two must not become one."""
        new = self._member_names.get(name)
        if new is None:
            new = self._redactor._redact(name, self._names, self._since, own=False)
            self._member_names[name] = new
            self.changed = self.changed or new != name
        while new != name and new in target:
            new += "'"
        return new
