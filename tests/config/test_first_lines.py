"""The lines of the first run, each run as printed against a gateway that serves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.databases import copy_template

PROJECT = Path(__file__).parents[2]
PATIENCE = 60.0
DEMO = "built-in demo, not a language model"

curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def first_run(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """var/first-run/ of a gateway that was just bootstrapped and serves."""
    var = tmp_path_factory.mktemp("first") / "var"
    copy_template(template, var / "patchbay.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(var),
        "VAR_DIR": str(var),
        "PUBLIC_URL": f"http://localhost:{port}",
        "MODE": "development",
        "DATABASE_URL": f"sqlite:///{var}/patchbay.db",
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "bootstrap"], cwd=PROJECT, env=environment, check=True, timeout=60)
    with (var / "serve.log").open("w") as log:
        server = subprocess.Popen(
            [*manage, "serve", "--port", str(port)], cwd=PROJECT, env=environment, stderr=log
        )
    try:
        _wait_until_ready(server, port, var / "serve.log")
        yield var / "first-run"
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the gateway does not serve: {log.read_text()}")


def run(*command: str, directory: Path) -> str:
    done = subprocess.run(
        command,
        cwd=directory,
        env={"PATH": os.environ["PATH"], "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def spoken(stream: str) -> str:
    """The text of a stream of events, in either format."""
    text = ""
    for line in stream.splitlines():
        if not line.startswith("data: {"):
            continue
        event = json.loads(line.removeprefix("data: "))
        for choice in event.get("choices", []):
            text += choice["delta"].get("content") or ""
        text += event.get("delta", {}).get("text", "")
    return text


@curl
def test_curl_streams_chat_completions_to_the_end(first_run):
    stream = run("sh", "curl-openai.sh", directory=first_run)
    assert DEMO in spoken(stream)
    assert stream.rstrip().endswith("data: [DONE]")


@curl
def test_curl_streams_messages_to_the_end(first_run):
    stream = run("sh", "curl-anthropic.sh", directory=first_run)
    assert DEMO in spoken(stream)
    assert "event: message_stop" in stream


@pytest.mark.parametrize("file", ["openai_sdk.py", "anthropic_sdk.py"])
def test_the_sdks_print_the_answer(first_run, file):
    assert DEMO in run(sys.executable, file, directory=first_run)


@curl
@pytest.mark.parametrize("model", ["ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL"])
def test_claude_codes_main_and_small_model_both_answer(first_run, model):
    script = f""". ./claude-code.env
curl -sS --fail-with-body "$ANTHROPIC_BASE_URL/v1/messages?beta=true" \
  -H "authorization: Bearer $ANTHROPIC_AUTH_TOKEN" -H "anthropic-version: 2023-06-01" \
  -d "{{\\"model\\": \\"${model}\\", \\"max_tokens\\": 50,
       \\"messages\\": [{{\\"role\\": \\"user\\", \\"content\\": \\"Hi\\"}}]}}\""""
    answer = json.loads(run("sh", "-c", script, directory=first_run))
    assert DEMO in answer["content"][0]["text"]
    assert answer["model"] in ("demo-model", "demo-small")
