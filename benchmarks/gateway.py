"""The two programs that are compared: the gateway with everything on, and the reference."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import subprocess
import sys
from pathlib import Path

from benchmarks import answers

ROOT = Path(__file__).resolve().parent.parent
PROVIDER_SECRET = "provider-" + 7 * "secret"
"""As long as those of providers are, for a short one is looked for in another way; the mock takes any."""
OTHER_RULES = 30
PLENTY = 1_000_000_000
KEPT_NAMES = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


def bare_environment() -> dict[str, str]:
    """This process's environment without what would change a run: proxies, databases, settings."""
    kept = {name: os.environ[name] for name in KEPT_NAMES if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def gateway_environment(directory: Path) -> dict[str, str]:
    """A production gateway with SQLite, its data under a directory of its own."""
    return bare_environment() | {
        "MODE": "production",
        "VAR_DIR": str(directory),
        "PUBLIC_URL": "http://127.0.0.1",
        "SECRET_KEY": secrets.token_hex(32),
        "KEY_PEPPER": f"p1:{secrets.token_hex(32)}",
        "ENCRYPTION_KEYS": f"k1:{secrets.token_hex(32)}",
        "DATABASE_URL": f"sqlite:///{directory}/patchbay.db",
    }


def configuration(provider_port: int) -> dict[str, object]:
    """A provider, its models with prices, a rule for them behind thirty others, and two quotas."""
    price = {"input_per_mtok": "0.15", "output_per_mtok": "0.60"}
    targets = [{"provider": "bench", "model": "*"}]
    return {
        "providers": [
            {
                "name": "bench",
                "adapter": "openai_compatible",
                "base_url": f"http://127.0.0.1:{provider_port}/v1",
                "allow_private_network": True,
                "credentials": [{"label": "main", "secret": PROVIDER_SECRET}],
                "deployments": [
                    *({"model": model, "price": price} for model in answers.MODELS),
                    {"model": "*"},
                ],
            }
        ],
        "teams": [{"name": "bench"}],
        "rules": [
            *(
                {
                    "name": f"other-{number:02}",
                    "priority": number + 1,
                    "match": {"model": f"other-{number}-*", "headers": {"x-tier": "gold"}},
                    "targets": targets,
                }
                for number in range(OTHER_RULES)
            ),
            {"name": "bench", "priority": 100, "match": {"model": "bench-*"}, "targets": targets},
        ],
        "client_keys": [],
        "quotas": [],
    }


QUOTAS = {
    "quotas": [
        {"team": "bench", "metric": "requests", "window": "minute", "amount": PLENTY},
        {"client_key": "bench", "metric": "cost", "window": "month", "amount": str(PLENTY)},
    ]
}


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run a management command; its output, or RuntimeError with what it said."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {arguments[0]}:\n{done.stdout}{done.stderr}")
    return done.stdout


def prepare(directory: Path, environment: dict[str, str], provider_port: int) -> str:
    """Migrate, configure, and return a client key."""
    manage(environment, "migrate", "--verbosity", "0")
    file = directory / "patchbay.yaml"  # JSON is YAML
    file.write_text(json.dumps(configuration(provider_port)))
    manage(environment, "apply_config", str(file))
    issued = manage(environment, "issue_key", "--name", "bench", "--team", "bench", "--json")
    file.write_text(json.dumps(QUOTAS))
    manage(environment, "apply_config", str(file))
    return str(json.loads(issued)["key"])


def serve_command(port: int) -> list[str]:
    place = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [sys.executable, str(ROOT / "manage.py"), "serve", *place]


def reference_command(port: int) -> list[str]:
    fast = ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    application = "benchmarks.reference:application"
    return [sys.executable, "-m", "uvicorn", application, "--port", str(port), *fast]


def records_in_the_books(directory: Path) -> int:
    with sqlite3.connect(directory / "patchbay.db") as books:
        return int(books.execute("SELECT count(*) FROM patchbay_usage_usagerecord").fetchone()[0])
