"""A gateway of its own and a real browser in front of it; modules that use it are skipped without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.models import User

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.server.process import END_SECONDS, PROJECT, START_SECONDS, environment, free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NAME, PASSWORD = "olga", "a password of hers"
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


def make_operator() -> None:
    """Who signs in."""
    User.objects.create_superuser(NAME, password=PASSWORD)


@contextmanager
def gateway(database: Path) -> Iterator[str]:
    """`manage.py serve` on a free port, on the database that was filled before; its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = environment(database, PUBLIC_URL=address)
    manage = [sys.executable, "manage.py"]
    subprocess.run(
        [*manage, "collectstatic", "--noinput", "--verbosity", "0"],
        cwd=PROJECT,
        env=settings,
        check=True,
    )
    log = database.with_name("output.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*manage, "serve", "--port", str(port)],
            cwd=PROJECT,
            env=settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, address, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < until:
            assert process.poll() is None, log.read_text()
            try:
                if client.get(f"{address}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
    raise AssertionError(f"it did not start: {log.read_text()}")


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield started
        started.close()


class Visitor:
    """A signed-in person at one screen; what goes wrong in the page is remembered."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.page: Page = context.new_page()
        self.address = address
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: self._heard(said.type, said.text))
        self.page.on("request", lambda asked: self._asked(asked.url))

    def _heard(self, kind: str, words: str) -> None:
        if kind == "error":
            self.wrong.append(words)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.wrong.append(f"asked elsewhere: {url}")

    def sign_in(self) -> None:
        self.open("/admin/login/")
        self.page.fill("[name=username]", NAME)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("[type=submit]")
        self.page.wait_for_load_state("load")

    def open(self, path: str) -> None:
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == 200, path
        self.page.wait_for_load_state("load")

    def scrolls_sideways(self) -> bool:
        """The page, or a box in it that hides a part."""
        script = """() => document.documentElement.scrollWidth > innerWidth ||
            [...document.querySelectorAll("#main .simplebar-content-wrapper")].some(
                (box) => box.scrollWidth > box.clientWidth + 1)"""
        return bool(self.page.evaluate(script))


@contextmanager
def visit(browser: Browser, address: str, width: int, scheme: str) -> Iterator[Visitor]:
    dark = scheme == "dark"
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
    )
    visitor = Visitor(context, address)
    visitor.sign_in()
    yield visitor
    context.close()


Visiting = Callable[[int, str], AbstractContextManager[Visitor]]
"""`visiting(1440, "dark")`: at a screen so wide, in that scheme."""
