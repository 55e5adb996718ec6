"""Read what can be read of an answer in which something is of another type than its format says.

What is of another type counts as not said; everything beside it stands. The slow way, taken only
where the types did not fit.
"""

from __future__ import annotations

from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from providers.wire.json_text import OBJECT

S = TypeVar("S", bound=msgspec.Struct)

WHOLE = frozenset({"usage", "x_groq"})
"""Numbers that are believed together or not at all."""

_items = msgspec.json.Decoder(list[msgspec.Raw])


def read_leniently(kind: type[S], data: bytes | msgspec.Raw) -> tuple[S, list[str]]:
    """What can be read, and the paths of what cannot. Raises msgspec.DecodeError for no JSON object."""
    members = OBJECT.decode(data)
    values: dict[str, Any] = {}
    unread: list[str] = []
    for field in msgspec.structs.fields(kind):
        if field.encode_name in members:
            try:
                read = _value(field, members[field.encode_name])
            except msgspec.ValidationError:
                unread.append(field.encode_name)
                continue
            values[field.name], inner = read
            unread += [f"{field.encode_name}.{path}" for path in inner]
    return kind(**values), unread


def _value(field: msgspec.structs.FieldInfo, raw: msgspec.Raw) -> tuple[Any, list[str]]:
    """The value of a field. Raises msgspec.ValidationError where nothing of it can be read."""
    try:
        return msgspec.json.decode(raw, type=field.type), []
    except msgspec.ValidationError:
        inside = _part(field.type)
        if inside is None or field.encode_name in WHOLE:
            raise
    if get_origin(inside) is not list:
        return read_leniently(inside, raw)
    found = [read_leniently(get_args(inside)[0], item) for item in _items.decode(raw)]
    return [value for value, _ in found], [path for _, paths in found for path in paths]


def _part(wanted: Any) -> Any:
    """The struct, or the list of structs, that a type allows and that can be read in parts."""
    options = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
    for option in options:
        item = get_args(option)[0] if get_origin(option) is list else option
        if isinstance(item, type) and issubclass(item, msgspec.Struct):
            return option
    return None
