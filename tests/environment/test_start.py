"""A start with settings that cannot work ends in sentences that say which and why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import ROOT

SECRETS = {
    "SECRET_KEY": token_hex(32),
    "KEY_PEPPER": f"p1:{token_hex(32)}",
    "ENCRYPTION_KEYS": f"k1:{token_hex(32)}",
}
PRODUCTION = {"MODE": "production", "PUBLIC_URL": "https://gateway.example", **SECRETS}


def start(var: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command (or `check`) in a process of its own, with these alone in its environment."""
    return subprocess.run(
        [sys.executable, "manage.py", *(command or ["check"])],
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
        ("LOG_BODIES", "some", "must be one of off, metadata, full"),
        ("LOG_MAX_BODY_SIZE", "0", "must be between 1024 and 67108864"),
        ("LOG_REDACT", "EMAIL,FACES", "must be all, none, or some of EMAIL, PHONE"),
        ("TRANSCRIPT_ENCRYPTION", "maybe", "must be yes or no"),
        ("EMBEDDING_MODEL", "words-1", "must be the name of a provider, a slash and the name"),
        ("EMBEDDING_MODEL", "acme/words-1", "add database to TRANSCRIPT_SINKS"),
        ("EMBEDDING_MODEL", "acme/*", "must be the name of a provider, a slash and the name"),
        ("LOG_REDACT", "", "must be all, none, or some of EMAIL, PHONE"),
        ("CORS_ORIGINS", "https://chat.example.com/", "must be an origin"),
        ("DATABASE_URL", "foo", "must look like postgres://"),
        ("DATABASE_URL", "mysql://user:word@db.example/patchbay", "must look like postgres://"),
        ("DATABASE_URL", "postgres://user:word@db.example:port/patchbay", "must look like"),
        ("DATABASE_URL", "postgres://user:word@db.example:99999/patchbay", "must look like"),
        ("DATABASE_URL", "postgres://user:word@[db.example/patchbay", "must look like"),
        ("DATABASE_URL", "postgres://user:word@db.example", "must look like"),
        ("DATABASE_URL", "sqlite://:memory:", "must look like"),
        ("DATABASE_URL", "sqlite:///", "must look like"),
    ],
)
def test_a_value_that_cannot_work_stops_the_start(
    tmp_path: Path, name: str, value: str, sentence: str
):
    ended = start(tmp_path, **{name: value})
    assert ended.returncode == 2
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith(f"  {name} ")
    assert sentence in last


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path):
    ended = start(tmp_path, MODE="live", LOG_LEVEL="loud", TOTAL_SECONDS="-1")
    for name in ("MODE", "LOG_LEVEL", "TOTAL_SECONDS"):
        assert f"\n  {name} is " in ended.stderr


@pytest.mark.parametrize("command", ["serve", "check", "migrate", "bootstrap", "runserver"])
def test_what_is_wrong_is_said_without_a_traceback(tmp_path: Path, command: str):
    ended = start(tmp_path, command, MODE="prod")
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "The settings are wrong:",
        "  MODE is 'prod'; it must be one of development, production.",
    ]


def test_who_wants_the_traceback_gets_it(tmp_path: Path):
    ended = start(tmp_path, "check", "--traceback", MODE="prod")
    assert "Traceback" in ended.stderr


def test_a_directory_that_cannot_be_written_is_named():
    ended = start(Path("/proc/nope"))
    assert ended.returncode == 2
    [_, sentence] = ended.stderr.splitlines()
    assert sentence.startswith("  VAR_DIR is '/proc/nope'; nothing can be written there (")


def test_a_database_that_cannot_be_opened_is_a_sentence(tmp_path: Path):
    ended = start(tmp_path, "migrate", DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/patchbay.db")
    assert ended.returncode == 2
    assert ended.stderr == "The database cannot be used: unable to open database file\n"


def test_the_database_is_its_owner_s_alone(tmp_path: Path):
    assert start(tmp_path, "migrate", "contenttypes").returncode == 0
    assert (tmp_path / "patchbay.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.postgres
def test_a_user_whom_postgresql_does_not_know_is_named(tmp_path: Path):
    parts = urlsplit(os.environ["DATABASE_URL_TEST_POSTGRES"])
    place = f"{parts.hostname}:{parts.port or 5432}"
    ended = start(tmp_path, "migrate", DATABASE_URL=f"postgres://nobody_at_all@{place}/postgres")
    assert ended.returncode == 2
    assert ended.stderr.startswith("The database cannot be used: ")
    assert '"nobody_at_all"' in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", SECRETS)
def test_production_does_not_start_without_a_secret(tmp_path: Path, name: str):
    ended = start(tmp_path, **{**PRODUCTION, name: ""})
    assert ended.returncode == 2
    assert name in ended.stderr.strip().splitlines()[-1]


def test_production_does_not_start_with_a_default_secret(tmp_path: Path):
    ended = start(tmp_path, **{**PRODUCTION, "SECRET_KEY": "changeme"})
    assert "SECRET_KEY is empty, a default or shorter" in ended.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "a" * 64),
        ("KEY_PEPPER", "p1:" + "00" * 32),
        ("ENCRYPTION_KEYS", f"k2:{token_hex(32)},k1:{'ab12' * 16}"),
    ],
)
def test_production_does_not_start_with_a_secret_that_nobody_drew(
    tmp_path: Path, name: str, value: str
):
    ended = start(tmp_path, **{**PRODUCTION, name: value})
    assert ended.returncode != 0
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith(f"  {name} ")
    assert "is not random" in last


def test_production_does_not_show_tracebacks_to_strangers(tmp_path: Path):
    ended = start(tmp_path, **PRODUCTION, DEBUG="yes")
    assert ended.returncode != 0
    assert "  DEBUG is yes" in ended.stderr


def test_a_mistake_in_the_database_s_address_shows_no_password(tmp_path: Path):
    ended = start(tmp_path, DATABASE_URL="postgres://user:hunter2@db.example:port/patchbay")
    assert "hunter2" not in ended.stderr + ended.stdout


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_postgresql_server_is_taken_by_either_name(tmp_path: Path, scheme: str):
    ended = start(tmp_path, DATABASE_URL=f"{scheme}://user:w%40rd@db.example:5432/patchbay")
    assert ended.returncode == 0, ended.stderr


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
