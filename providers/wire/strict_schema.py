"""Whether a JSON schema is one that OpenAI takes as strict."""

from __future__ import annotations

from typing import Any

import msgspec


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
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties") or {}
        if schema.get("additionalProperties") is not False:
            return False
        if set(schema.get("required") or ()) != set(properties):
            return False
        if not all(_strict(inner) for inner in properties.values()):
            return False
    nested = ("items", "anyOf", "allOf", "prefixItems")
    definitions = [*(schema.get("$defs") or {}).values()]
    return _strict([schema[name] for name in nested if name in schema] + definitions)
