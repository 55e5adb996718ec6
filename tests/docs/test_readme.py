"""The README's lines work as they stand, but for the address and the key."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import OpenHouse
from tests.docs.pages import ROOT, code
from tests.house import House

DEMO = {
    "providers": [
        {"name": "demo", "adapter": "demo", "deployments": [{"model": "demo-model"}]},
    ],
    "rules": [
        {
            "name": "demo",
            "match": {"model": "demo-model"},
            "targets": [{"provider": "demo", "model": "demo-model"}],
        }
    ],
}
ANSWER = "This is Patchbay's built-in demo"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/how-to").glob("use-the-*-sdk.md"))]


@pytest.fixture
async def demo_house(opening: OpenHouse) -> AsyncIterator[House]:
    async with opening(DEMO, DEMO=True) as house:
        yield house


async def run(house: House, directory: Path, name: str, text: str, *command: str) -> str:
    """Run an example against a house; returns what it prints."""
    text = text.replace("http://localhost:8000", house.url).replace("pbk_…", house.key)
    (directory / name).write_text(text)
    process = await asyncio.create_subprocess_exec(
        *command,
        name,
        cwd=directory,
        env={"PATH": os.environ["PATH"], "NO_PROXY": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, printed.decode()
    return printed.decode()


@pytest.mark.parametrize(
    "text", [text for path in PAGES for text in code(path, "python")], ids=lambda text: text[5:20]
)
async def test_the_sdks_answer(demo_house: House, tmp_path: Path, text: str):
    assert ANSWER in await run(demo_house, tmp_path, "example.py", text, sys.executable)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_streams_in_both_languages(demo_house: House, tmp_path: Path):
    lines = next(text for text in code(ROOT / "README.md", "sh") if "curl -N" in text)
    printed = await run(demo_house, tmp_path, "example.sh", lines, "sh")
    assert "data: [DONE]" in printed
    assert "event: message_stop" in printed
