"""Put together what was said in pieces: the members of deltas, each by what it is.

Texts are joined once, by `settle`. What is nested deeper than deltas are is not taken apart.
"""

from __future__ import annotations

from typing import Any

from providers.wire.json_text import Json

DEEPEST = 6
SAID_ONCE = frozenset({"role", "id", "type", "name", "format", "index", "signature"})
"""Said again by some servers with each piece; the first word stands. Any other text goes on."""


class Pieces(list[str]):
    """A text that is still coming."""


class Items(list[Any]):
    """A list whose objects may come in pieces, told apart by their `index`."""

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[int, Json] = {}

    def add(self, item: Any, depth: int) -> None:
        index = item.get("index") if type(item) is dict else None
        if type(index) is not int or not depth:
            self.append(item)
            return
        known = self._open.get(index)
        if known is None or _differ(known.get("type"), item.get("type")):
            known = self._open[index] = {}
            self.append(known)
        add(known, item, depth - 1)


def _differ(known: object, said: object) -> bool:
    return isinstance(known, str) and isinstance(said, str) and known != said


def add(into: Json, delta: Json, depth: int = DEEPEST) -> None:
    """What a delta adds: texts go on, objects grow, lists get longer; of all else the last one counts."""
    for name, value in delta.items():
        if name in SAID_ONCE:
            into[name] = into.get(name) or value
        elif type(value) is str:
            add_text(into, name, value)
        elif type(value) is dict and depth:
            if type(into.get(name)) is not dict:
                into[name] = {}
            add(into[name], value, depth - 1)
        elif type(value) is list:
            add_items(into, name, value, depth)
        else:
            put(into, name, value)


def add_text(into: Json, name: str, text: str) -> None:
    known = into.get(name)
    if type(known) is Pieces:
        known.append(text)
    else:
        into[name] = Pieces([known, text] if isinstance(known, str) else [text])


def add_items(into: Json, name: str, items: list[Any], depth: int = DEEPEST) -> None:
    known = into.get(name)
    if type(known) is not Items:
        into[name] = held = Items()
        held.extend(known if isinstance(known, list) else ())
        known = held
    for item in items:
        known.add(item, depth)


def put(into: Json, name: str, value: Any) -> None:
    """The last one counts; a null says nothing."""
    if value is not None or name not in into:
        into[name] = value


def overlay(into: Json, said: Json, depth: int = DEEPEST) -> None:
    """What is said beside the deltas: objects and lists grow, of all else the last one counts."""
    for name, value in said.items():
        known = into.get(name)
        if type(known) is list and type(value) is list:
            known.extend(value)
        elif type(known) is dict and type(value) is dict and depth:
            overlay(known, value, depth - 1)
        else:
            put(into, name, value)


def settle(into: Json, depth: int = DEEPEST) -> None:
    """Join every text that came in pieces."""
    for name, value in into.items():
        if type(value) is Pieces:
            into[name] = "".join(value)
        elif type(value) is dict and depth:
            settle(value, depth - 1)
        elif type(value) is Items:
            into[name] = list(value)
            for item in value if depth else ():
                if type(item) is dict:
                    settle(item, depth - 1)
