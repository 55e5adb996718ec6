"""What every test can ask for: a scripted upstream, a running gateway, databases of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.chaos import Chaos, open_chaos
from tests.databases import copy_template, make_template, sqlite, use_database

if TYPE_CHECKING:
    from tests.house import House

POSTGRES = "DATABASE_URL_TEST_POSTGRES"

settings.register_profile("patchbay", deadline=None)  # a busy machine is no failure
settings.load_profile("patchbay")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background so, and what tests start would never hear of Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of PostgreSQL run wherever a server is named."""
    if os.environ.get(POSTGRES):
        return
    for item in items:
        if item.get_closest_marker("postgres"):
            item.add_marker(pytest.mark.skip(reason=f"{POSTGRES} is not set"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, django_db_blocker) -> Path:
    """An SQLite file with every migration applied."""
    with django_db_blocker.unblock():
        return make_template(tmp_path_factory.mktemp("template") / "patchbay.db")


@pytest.fixture
def database(template: Path, tmp_path: Path, django_db_blocker) -> Iterator[Path]:
    """An SQLite file of this test's own, used by every thread. Not to be mixed with `django_db`."""
    path = copy_template(template, tmp_path / "patchbay.db")
    with django_db_blocker.unblock(), use_database(sqlite(path)):
        yield path


@pytest.fixture
async def chaos() -> AsyncIterator[Chaos]:
    """The scripted upstream."""
    async with open_chaos() as chaos:
        yield chaos


OpenHouse = Callable[..., AbstractAsyncContextManager["House"]]


@pytest.fixture
def opening(chaos: Chaos, database: Path, tmp_path: Path) -> OpenHouse:
    """Opens a house with a configuration or settings of the test's own."""
    from tests.house import open_house  # so that pure tests load no gateway

    return partial(open_house, chaos, tmp_path / "var")


@pytest.fixture
async def house(opening: OpenHouse) -> AsyncIterator[House]:
    """A running gateway with the usual configuration; nothing may be left behind in it."""
    async with opening() as house:
        yield house
