"""The project's settings over an environment of the tests' own.

Nothing of the machine's leaks in. Secrets are fixed, the database and `VAR_DIR` are temporary.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_var_dir = tempfile.mkdtemp(prefix="patchbay-tests-")
os.mkdir(f"{_var_dir}/static")
atexit.register(shutil.rmtree, _var_dir, ignore_errors=True)

os.environ.update(
    MODE="development",
    DEBUG="no",
    VAR_DIR=_var_dir,
    DATABASE_URL=f"sqlite:///{_var_dir}/patchbay.db",
    PUBLIC_URL="http://localhost:8000",
    SECRET_KEY="5" * 64,
    KEY_PEPPER="p1:" + "a1" * 32,
    ENCRYPTION_KEYS="k1:" + "b2" * 32,
    SECRET_FILES_DIR="/run/secrets",
    DEMO="no",
    LOG_LEVEL="info",
    LOG_FORMAT="json",
    LOG_FILE_LEVEL="off",
    NO_PROXY="127.0.0.1,localhost",
)
for _name in ("ALLOWED_HOSTS", "CORS_ORIGINS", "METRICS_TOKEN", "METRICS_ALLOW", "TRUSTED_PROXIES"):
    os.environ[_name] = ""

from proxyproject.settings import *  # noqa: E402, F403
