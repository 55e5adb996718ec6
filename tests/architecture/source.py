"""The project's source as data: modules, what they import, how long their functions are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("proxyproject", "routing", "providers", "usage")


@dataclass(frozen=True)
class Import:
    """An imported module or name, its dotted path whole. `typing_only` is under TYPE_CHECKING."""

    name: str
    line: int
    typing_only: bool


@dataclass(frozen=True)
class Module:
    """One file of ours."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    @property
    def place(self) -> str:
        return str(self.path.relative_to(ROOT))

    def imports(self) -> list[Import]:
        return list(_imports(self.tree, False))

    def functions(self) -> list[tuple[str, int]]:
        """Each function's name (with its class) and length in lines, decorators apart."""
        return list(_functions(self.tree, ""))


def _functions(node: ast.AST, within: str) -> Iterator[tuple[str, int]]:
    for child in ast.iter_child_nodes(node):
        name = within
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{within}.{child.name}".lstrip(".")
            if not isinstance(child, ast.ClassDef):
                yield name, (child.end_lineno or child.lineno) - child.lineno + 1
        yield from _functions(child, name)


def _imports(node: ast.AST, typing_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, node.lineno, typing_only)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield Import(f"{node.module or ''}.{alias.name}", node.lineno, typing_only)
    elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for only_typed in node.body:
            yield from _imports(only_typed, True)
        for otherwise in node.orelse:
            yield from _imports(otherwise, typing_only)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, typing_only)


@lru_cache(maxsize=1)
def modules() -> dict[str, Module]:
    """Every module of the rooms by dotted name, but for migrations, which are generated."""
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                module = read(path)
                found[module.name] = module
    return found


def read(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text()
    return Module(name, path, ast.parse(text), text.count("\n"))


def ours(name: str) -> str | None:
    """The module of ours that a dotted path names or lies in."""
    known = modules()
    while name:
        if name in known:
            return name
        name = name.rpartition(".")[0]
    return None
