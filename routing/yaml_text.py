"""Configuration documents as YAML text: plain data only, and no member twice."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode

from providers.problems import DocumentInvalid, Problem

MERGE = "tag:yaml.org,2002:merge"


class _OnceLoader(yaml.SafeLoader):
    """PyYAML keeps the last of repeated members in silence; half a file could vanish that way."""

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for name_node, _ in node.value:
            if name_node.tag == MERGE:
                continue
            name = self.construct_object(name_node, deep=True)
            if not isinstance(name, str):
                raise ConstructorError(None, None, f"{name!r} is not a name", name_node.start_mark)
            if name in seen:
                raise ConstructorError(None, None, f"{name!r} stands twice", name_node.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def parse(text: str) -> Any:
    """The data of a YAML (or JSON) text. Raises DocumentInvalid, with line and column."""
    try:
        # The loader is a SafeLoader that refuses more.
        return yaml.load(text, _OnceLoader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"
        raise DocumentInvalid([Problem(place, f"This is not YAML: {error.problem}.")]) from None
    except yaml.YAMLError as error:
        raise DocumentInvalid([Problem("", f"This is not YAML: {error}.")]) from None
    except RecursionError:
        raise DocumentInvalid([Problem("", "This is nested too deeply.")]) from None


def write(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
