"""Errors that nobody catches, and warnings: told like the rest, and without secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT
from tests.logs.shelf import lines
from tests.server.process import environment

SECRET = "known-to-us-alone"
BEGIN = """
import sys, threading, warnings
import django
django.setup()
from proxyproject.logs import known_secrets
secret = sys.argv[1]
known_secrets.known([secret])
"""
THREAD = """
def work():
    raise RuntimeError("no " + secret)
thread = threading.Thread(target=work, name="worker-7")
thread.start()
thread.join()
"""
WARNING = """
warnings.warn("old: " + secret)
"""
UNRAISABLE = """
class Slipping:
    def __del__(self):
        raise RuntimeError("no " + secret)
Slipping()
"""
UNCAUGHT = """
raise RuntimeError("no " + secret)
"""


def run(script: str, database: Path) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """A process that has the log, and the last line in its file."""
    ended = subprocess.run(
        [sys.executable, "-c", BEGIN + script, SECRET],
        cwd=ROOT,
        env=environment(database, LOG_FILE_LEVEL="info", LOG_LEVEL="info"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = lines(database.parent / "var" / "logs")
    return ended, found[-1] if found else {}


@pytest.mark.parametrize(
    ("script", "said", "where"),
    [
        pytest.param(THREAD, "The thread worker-7 ended with an error.", "message", id="thread"),
        pytest.param(THREAD, "RuntimeError: no [hidden]", "exception", id="thread, traceback"),
        pytest.param(WARNING, "UserWarning: old: [hidden]", "message", id="warning"),
        pytest.param(UNRAISABLE, "Slipping.__del__", "message", id="unraisable"),
        pytest.param(UNRAISABLE, "RuntimeError: no [hidden]", "exception", id="its traceback"),
    ],
)
def test_what_nobody_catches_is_a_line_of_the_log(script, said, where, database: Path):
    ended, line = run(script, database)
    assert ended.returncode == 0, ended.stderr
    assert said in line[where]
    assert ended.stderr == ""
    assert SECRET not in ended.stdout + json.dumps(line)


def test_the_error_that_ends_a_command_is_on_standard_error_to_be_read(database: Path):
    ended, _ = run(UNCAUGHT, database)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Traceback (most recent call last):\n")
    assert ended.stderr.endswith("RuntimeError: no [hidden]\n")
    assert SECRET not in ended.stdout + ended.stderr
