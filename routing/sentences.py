"""Turn what pydantic found into problems: a path as people write it, and a sentence."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from providers.problems import Problem

SENTENCES = {
    "missing": "This member is missing.",
    "string_type": "This must be text; put it in quotes.",
    "int_type": "This must be a whole number.",
    "bool_type": "This must be true or false.",
    "list_type": "This must be a list.",
    "dict_type": "This must be a mapping of names to values.",
    "model_type": "This must be a mapping of members to values.",
    "too_short": "This must not be empty.",
    "string_pattern_mismatch": "A name holds only letters, digits, - and _, and at least one.",
}
BOUNDS = {
    "greater_than_equal": ("ge", "This must be {} or more."),
    "less_than_equal": ("le", "This must be {} or less."),
    "less_than": ("lt", "This must be less than {}."),
    "string_too_long": ("max_length", "This has at most {} characters."),
    "literal_error": ("expected", "This must be one of {}."),
}


def problems_of(error: ValidationError, kind: type[BaseModel], path: str) -> list[Problem]:
    """Every mistake in an entry of `kind` that stands at `path`."""
    return [
        Problem(path + _path(detail["loc"]), _sentence(detail, kind))
        for detail in error.errors(include_url=False)
    ]


def _path(steps: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _sentence(detail: Any, kind: type[BaseModel]) -> str:
    found, context = detail["type"], detail.get("ctx", {})
    if found == "value_error":
        return str(context["error"])
    if found == "extra_forbidden":
        known = ", ".join(_members(kind, detail["loc"][:-1]))
        return f"There is no member {detail['loc'][-1]!r} here; there are {known}."
    if found in BOUNDS:
        name, sentence = BOUNDS[found]
        return sentence.format(context[name])
    return SENTENCES.get(found, f"{detail['msg']}.")


def _members(kind: type[BaseModel], steps: tuple[int | str, ...]) -> list[str]:
    """The members of the entry that `steps` lead to from `kind`."""
    for step in steps:
        if isinstance(step, str) and step in kind.model_fields:
            kind = _entry_in(kind.model_fields[step].annotation) or kind
    return list(kind.model_fields)


def _entry_in(annotation: Any) -> type[BaseModel] | None:
    """The entry that an annotation such as `list[TargetEntry]` or `PriceEntry | None` is about."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_entry_in(part) for part in get_args(annotation))
    return next((entry for entry in found if entry is not None), None)
