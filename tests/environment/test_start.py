"""A start with settings that cannot work ends in sentences that say which and why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

SECRETS = {
    "SECRET_KEY": "c1" * 32,
    "KEY_PEPPER": "p1:" + "d2" * 32,
    "ENCRYPTION_KEYS": "k1:" + "e3" * 32,
}
PRODUCTION = {"MODE": "production", "PUBLIC_URL": "https://gateway.example", **SECRETS}


def start(var: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own, with nothing in its environment but these."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(var), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("MODE", "live", "must be one of development, production"),
        ("DEBUG", "perhaps", "must be yes or no"),
        ("MAX_IN_FLIGHT", "many", "must be a whole number"),
        ("MAX_IN_FLIGHT", "0", "must be between 1 and 100000"),
        ("IDLE_SECONDS", "inf", "must be between 0.05 and 3600"),
        ("IDLE_SECONDS", "nan", "must be between 0.05 and 3600"),
        ("PUBLIC_URL", "gateway.example", "must be an http or https address"),
        ("KEY_PEPPER", "p1:abc", "must look like id:hex"),
        ("TRUSTED_PROXIES", "10.0.0.0/99", "must be an address or a network"),
        ("METRICS_ALLOW", "localhost", "must be an address or a network"),
        ("SECRET_FILES_DIR", "secrets", "must be a path from the root"),
        ("CORS_ORIGINS", "https://chat.example.com/", "must be an origin"),
    ],
)
def test_a_value_that_cannot_work_stops_the_start(
    tmp_path: Path, name: str, value: str, sentence: str
):
    ended = start(tmp_path, **{name: value})
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith(f"  {name} ")
    assert sentence in last


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path):
    ended = start(tmp_path, MODE="live", LOG_LEVEL="loud", TOTAL_SECONDS="-1")
    for name in ("MODE", "LOG_LEVEL", "TOTAL_SECONDS"):
        assert f"\n  {name} is " in ended.stderr


@pytest.mark.parametrize("name", SECRETS)
def test_production_does_not_start_without_a_secret(tmp_path: Path, name: str):
    ended = start(tmp_path, **{**PRODUCTION, name: ""})
    assert ended.returncode == 1
    assert name in ended.stderr.strip().splitlines()[-1]


def test_production_does_not_start_with_a_default_secret(tmp_path: Path):
    ended = start(tmp_path, **{**PRODUCTION, "SECRET_KEY": "changeme"})
    assert "SECRET_KEY is empty, a default or shorter" in ended.stderr


def test_production_makes_no_secrets_by_itself(tmp_path: Path):
    assert start(tmp_path, **PRODUCTION).returncode == 0
    assert not (tmp_path / "secrets.env").exists()


def test_development_makes_its_secrets_once_for_its_owner_alone(tmp_path: Path):
    assert start(tmp_path).returncode == 0
    made = tmp_path / "secrets.env"
    first = made.read_text()
    assert made.stat().st_mode & 0o777 == 0o600
    assert start(tmp_path).returncode == 0
    assert made.read_text() == first
