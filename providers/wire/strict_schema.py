"""Whether a JSON schema is one that OpenAI takes as strict."""

from __future__ import annotations

from typing import Any

import msgspec

NOT_TAKEN = ("oneOf", "not")


def is_strict(schema: msgspec.Raw) -> bool:
    """Every object closed, and every property of it required."""
    try:
        return _strict(msgspec.json.decode(schema))
    except (msgspec.DecodeError, RecursionError):
        return False


def _strict(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(_strict(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    if any(name in schema for name in NOT_TAKEN):
        return False
    if (_may_be_object(schema.get("type")) or "properties" in schema) and not _closed(schema):
        return False
    definitions = schema.get("$defs") or {}
    if not isinstance(definitions, dict):
        return False
    nested = ("items", "anyOf", "allOf", "prefixItems")
    return _strict([schema[name] for name in nested if name in schema] + [*definitions.values()])


def _may_be_object(types: Any) -> bool:
    return types == "object" or (isinstance(types, list) and "object" in types)


def _closed(schema: dict[str, Any]) -> bool:
    """Whether an object takes these properties, all of them, and no other."""
    properties, required = schema.get("properties") or {}, schema.get("required") or []
    if not isinstance(properties, dict) or not isinstance(required, list):
        return False
    if schema.get("additionalProperties") is not False:
        return False
    if not all(isinstance(name, str) for name in required) or set(required) != set(properties):
        return False
    return all(_strict(inner) for inner in properties.values())
