"""Read a JSON object member by member; what nobody asks for is reported as a Loss.

Values stay raw until they are asked for by type. A value of another type is Unreadable, with its
path; null is the same as absent, as all the formats have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

from providers.wire.errors import Unreadable
from providers.wire.json_text import OBJECT
from providers.wire.model import Loss

T = TypeVar("T")

_array: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_texts = msgspec.json.Decoder(list[str])
_flag = msgspec.json.Decoder(bool)
_whole = msgspec.json.Decoder(int)
_number = msgspec.json.Decoder(int | float)


class Members:
    """One object of a request. `close` reports the members that were not read."""

    __slots__ = ("_left", "losses", "path")

    def __init__(self, members: Mapping[str, msgspec.Raw], path: str, losses: list[Loss]) -> None:
        self._left = dict(members)
        self.path = path
        self.losses = losses

    @classmethod
    def of(cls, raw: msgspec.Raw, path: str, losses: list[Loss]) -> Members:
        members = _decode(OBJECT, raw, path, "an object")
        return cls(members, path, losses)

    def at(self, name: str) -> str:
        """The path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def raw(self, name: str) -> msgspec.Raw | None:
        """The JSON text of a member, whatever it is."""
        raw = self._left.pop(name, None)
        return None if raw is None or (len(raw) == 4 and bytes(raw) == b"null") else raw

    def text(self, name: str) -> str | None:
        return self._read(_text, name, "a string")

    def needed_text(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise Unreadable(self.at(name), f"`{self.at(name)}` is missing")
        return value

    def texts(self, name: str) -> list[str] | None:
        return self._read(_texts, name, "an array of strings")

    def flag(self, name: str) -> bool | None:
        return self._read(_flag, name, "true or false")

    def whole(self, name: str) -> int | None:
        return self._read(_whole, name, "a whole number")

    def number(self, name: str) -> int | float | None:
        return self._read(_number, name, "a number")

    def member(self, name: str) -> Members | None:
        """A member that is an object."""
        raw = self.raw(name)
        return None if raw is None else Members.of(raw, self.at(name), self.losses)

    def objects(self, name: str) -> Iterator[Members]:
        """The objects of a member that is an array."""
        raw = self.raw(name)
        return iter(()) if raw is None else objects(raw, self.at(name), self.losses)

    def lose(self, name: str, reason: str, hint: bool = False) -> None:
        """Report a member that is there and cannot be carried."""
        if self.raw(name) is not None:
            self.losses.append(Loss(self.at(name), reason, "hint" if hint else "meaning"))

    def skip(self, *names: str) -> None:
        """Members that need no translation: they say nothing that is not said elsewhere."""
        for name in names:
            self._left.pop(name, None)

    def close(self) -> None:
        """Report what is left."""
        for name in list(self._left):
            self.lose(name, "this member is not known here")

    def _read(self, decoder: msgspec.json.Decoder[T], name: str, wanted: str) -> T | None:
        raw = self.raw(name)
        return None if raw is None else _decode(decoder, raw, self.at(name), wanted)


def objects(raw: msgspec.Raw, path: str, losses: list[Loss]) -> Iterator[Members]:
    """The objects of a JSON array."""
    items = _decode(_array, raw, path, "an array")
    for number, item in enumerate(items):
        yield Members.of(item, f"{path}[{number}]", losses)


def is_text(raw: msgspec.Raw) -> bool:
    return memoryview(raw)[0] == ord('"')


def read_text(raw: msgspec.Raw, path: str) -> str:
    return _decode(_text, raw, path, "a string")


def _decode(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, path: str, wanted: str) -> T:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unreadable(path, f"`{path}` must be {wanted}") from None
    except RecursionError:
        raise Unreadable(path, f"`{path}` nests deeper than can be read") from None
