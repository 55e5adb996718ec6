"""Imports go one way, hot modules reach no database, and everything stays small."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source import ROOMS, ROOT, Import, Module, modules, ours, read

MAY_IMPORT = {
    "proxyproject": ("proxyproject", "routing", "providers", "usage"),
    "routing": ("routing", "providers", "usage"),
    "providers": ("providers",),
    "usage": ("usage", "providers.wire"),
    "providers.wire": ("providers.wire",),
}
HOT_DOORS = ("proxyproject.door", "routing.views", "routing.gateway", "usage.journal")
MOST_LINES = 400
MOST_FUNCTION_LINES = 40
EXEMPT = ("proxyproject.settings",)


def room_of(name: str) -> str:
    return "providers.wire" if name.startswith("providers.wire") else name.partition(".")[0]


def below(name: str, roots: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def is_database(imported: Import) -> bool:
    """Whether an import statement names the ORM: django.db, or a models module of any room."""
    if below(imported.name, ("django.db", "django.contrib.auth")):
        return True
    target = ours(imported.name)
    return target is not None and target.endswith((".models", ".transcript_models"))


def reached_from(doors: tuple[str, ...]) -> dict[str, str]:
    """Every module of ours that is imported on the way from these, with the one that imports it."""
    reached = {door: "" for door in doors if door in modules()}
    waiting = list(reached)
    while waiting:
        name = waiting.pop()
        for imported in modules()[name].imports():
            target = ours(imported.name)
            if target and not imported.typing_only and target not in reached:
                reached[target] = name
                waiting.append(target)
    return reached


@pytest.mark.parametrize("module", modules().values(), ids=lambda module: module.name)
def test_imports_between_rooms_go_one_way(module: Module):
    allowed = MAY_IMPORT[room_of(module.name)]
    wrong = [
        f"{module.place}:{imported.line} imports {imported.name}"
        for imported in module.imports()
        if below(imported.name, ROOMS) and not below(imported.name, allowed)
    ]
    assert not wrong


def test_wire_is_a_library_that_knows_neither_django_nor_us():
    wrong = [
        f"{module.place}:{imported.line} imports {imported.name}"
        for module in modules().values()
        if room_of(module.name) == "providers.wire"
        for imported in module.imports()
        if below(imported.name, ("django", "ninja", "aiohttp", "httpx"))
    ]
    assert not wrong


def test_nothing_on_the_request_s_way_imports_the_database():
    reached = reached_from(HOT_DOORS)
    wrong = [
        f"{modules()[name].place}:{imported.line} imports {imported.name} (hot because of {why})"
        for name, why in reached.items()
        for imported in modules()[name].imports()
        if not imported.typing_only and is_database(imported)
    ]
    assert {"routing.gateway", "providers.upstream", "usage.keys", "usage.quota"} <= set(reached)
    assert not wrong


def test_only_the_upstream_talks_http_on_the_hot_path():
    """Two files know how, and are nobody's but the upstream's."""
    hot = reached_from(HOT_DOORS)

    def users(*libraries: str) -> set[str]:
        return {
            name
            for name in hot
            for imported in modules()[name].imports()
            if below(imported.name, libraries) and not imported.typing_only
        }

    assert users("aiohttp", "httpx", "requests", "urllib.request", "http.client") == set()
    assert users("httptools", "aiohappyeyeballs") == {"providers.http1", "providers.origin"}
    assert users("providers.origin") == {"providers.upstream"}


def test_the_composition_root_is_imported_by_the_application_alone():
    """`routing.runtime` puts one worker together; hot code gets what it needs as arguments."""
    users = {
        module.name
        for module in modules().values()
        for imported in module.imports()
        if below(imported.name, ("routing.runtime",)) and not imported.typing_only
    }
    assert not {user for user in users if not user.startswith("proxyproject.")}


@pytest.mark.parametrize("module", modules().values(), ids=lambda module: module.name)
def test_modules_and_functions_are_small(module: Module):
    if module.name in EXEMPT:
        return
    long = [
        f"{module.name}.{name} has {length} lines"
        for name, length in module.functions()
        if length > MOST_FUNCTION_LINES
    ]
    if module.lines > MOST_LINES:
        long.append(f"{module.name} has {module.lines} lines")
    assert not long


def test_test_modules_are_small_too():
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    long = [module.place for module in map(read, files) if module.lines > MOST_LINES]
    assert not long


@pytest.mark.parametrize("module", modules().values(), ids=lambda module: module.name)
def test_a_module_begins_by_saying_its_job(module: Module):
    if not module.tree.body and module.path.name == "__init__.py":
        return
    first = (ast.get_docstring(module.tree) or "").partition("\n")[0]
    assert first.endswith((".", ":")), f"{module.place} does not begin with a sentence"
    assert module.tree.body[0].lineno == 1, f"{module.place} does not begin on its first line"
