"""Keep out of a worker's memory what libraries import and no gateway uses.

A library's own module is imported here, early, while something that it asks for is away.
Whoever imports that something later gets the real one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

import django


@contextmanager
def away(name: str, instead: ModuleType | None = None) -> Iterator[None]:
    """Within, the module of this name is another one, or is not installed; loaded before, it stays."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = instead  # type: ignore[assignment]  # None is how an import is told of absence
    try:
        yield
    finally:
        del sys.modules[name]


def spare_test_tools() -> None:
    """Ninja wants one signal of Django's test tools, whose package imports all of them. 4 MB."""
    package = ModuleType("django.test")
    package.__path__ = [str(Path(django.__file__).with_name("test"))]
    with away(package.__name__, package):
        import_module("ninja.conf")


def spare_health_checks() -> None:
    """The health page has checks of its own. Those of the library bring mail and a DNS client. 3 MB."""
    checks = ModuleType("health_check.checks")
    vars(checks).update(dict.fromkeys(("Cache", "DNS", "Database", "Mail", "Storage")))
    with away(checks.__name__, checks):
        import_module("health_check")


def spare_database_driver() -> None:
    """Unfold has widgets for fields of PostgreSQL that no model of ours has. With the driver, 10 MB."""
    with away("django.contrib.postgres.fields"):
        import_module("unfold.overrides")
