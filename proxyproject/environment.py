"""Read settings from the environment, with every mistake reported at once.

Django-environ parses; this adds what it lacks: bounds, a list of all that is wrong in one
sentence each, and secrets that are made once and kept in a file.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

SECRET_NAMES = ("SECRET_KEY", "KEY_PEPPER", "ENCRYPTION_KEYS")
WEAK_SECRETS = {"", "changeme", "change-me", "secret", "password", "default", "insecure"}
SHORTEST_SECRET = 32
LEAST_DISTINCT_BYTES = 8
DRAW = "openssl rand -hex 32"
SCHEMES = ("postgres", "postgresql", "sqlite")
ENGINES = ("django.db.backends.postgresql", "django.db.backends.sqlite3")


class Environment:
    """The process environment (and files laid under it), read with bounds.

    Each reader returns the value, or its default after noting a problem; `finish()` raises
    one ImproperlyConfigured that names them all.
    """

    def __init__(self, source: Mapping[str, str] | None = None) -> None:
        self.env = environ.Env()  # type: ignore[no-untyped-call]
        if source is not None:
            self.env.ENVIRON = dict(source)  # type: ignore[assignment]
        self.problems: list[str] = []

    def lay(self, path: Path) -> None:
        """Lay a file of NAME=value lines under the environment; what is set already stays."""
        if path.is_file():
            self.env.read_env(str(path), overwrite=False)

    def text(self, name: str, default: str = "") -> str:
        return str(self.env.str(name, default=default)).strip()

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value in allowed:
            return value
        self.problems.append(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
        return default

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, "yes" if default else "no").lower()
        if value in ("1", "true", "yes", "on"):
            return True
        if value in ("0", "false", "no", "off", ""):
            return False
        self.problems.append(f"{name} is {value!r}; it must be yes or no.")
        return default

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        return int(self._number(name, default, least, most, whole=True))

    def whole_or_none(self, name: str, default: int, least: int, most: int) -> int:
        """Like `whole`, where 0 stands for none."""
        if self.text(name) == "0":
            return 0
        return int(self._number(name, default, least, most, whole=True, also="0, or "))

    def number(self, name: str, default: float, least: float, most: float) -> float:
        return self._number(name, default, least, most, whole=False)

    def _number(
        self, name: str, default: float, least: float, most: float, whole: bool, also: str = ""
    ) -> float:
        raw = self.text(name, str(default))
        try:
            value = float(int(raw) if whole else float(raw))
        except ValueError:
            kind = "a whole number" if whole else "a number"
            self.problems.append(f"{name} is {raw!r}; it must be {kind}.")
            return default
        if not least <= value <= most:
            self.problems.append(f"{name} is {raw}; it must be {also}between {least} and {most}.")
            return default
        return value

    def directory(self, name: str, default: str) -> str:
        """A whole path; empty is none."""
        value = self.text(name, default)
        if value and not os.path.isabs(value):
            self.problems.append(f"{name} is {value!r}; it must be a path from the root, or empty.")
        return value

    def file_name(self, name: str, default: str, taken: tuple[str, ...]) -> str:
        """The name of a file without its directory; `taken` are beginnings of names beside it."""
        value = self.text(name, default)
        if value.lower().startswith(taken):
            self.problems.append(
                f"{name} is {value!r}; it must not begin with {' or '.join(taken)}, as files beside it do."
            )
            return default
        if re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}", value):
            return value
        self.problems.append(
            f"{name} is {value!r}; it must be the name of a file, of letters, digits and . _ -, "
            "without a directory."
        )
        return default

    def names(self, name: str) -> list[str]:
        """A comma-separated list, blanks dropped."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()]

    def some(self, name: str, default: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Some of these, by commas, or `none`; each once, in the order in which they are allowed."""
        found = {part.strip() for part in self.text(name, default).split(",")}
        if found == {"none"}:
            return ()
        if found <= set(allowed):
            return tuple(each for each in allowed if each in found)
        self.problems.append(
            f"{name} is {self.text(name)!r}; it must be none, or some of {', '.join(allowed)}, by commas."
        )
        return (default,)

    def networks(self, name: str) -> list[str]:
        """A list of addresses and networks such as 10.0.0.0/8."""
        found = self.names(name)
        for part in found:
            try:
                ipaddress.ip_network(part, strict=False)
            except ValueError:
                self.problems.append(
                    f"{name} holds {part!r}; it must be an address or a network such as 10.0.0.0/8."
                )
                return []
        return found

    def origins(self, name: str) -> list[str]:
        """A list of web origins such as https://chat.example.com, as a browser sends them."""
        found = self.names(name)
        for part in found:
            parts = urlsplit(part)
            if part != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in ("http", "https"):
                self.problems.append(
                    f"{name} holds {part!r}; it must be an origin such as https://chat.example.com, "
                    "without a path or a slash at its end."
                )
                return []
        return found

    def ring(self, name: str, strict: bool) -> dict[str, bytes]:
        """A ring of keys `id:hex,id:hex`; the first one makes, all of them open.

        Raises nothing; a malformed, a missing or (when strict) an evident one is noted as a problem.
        """
        keys: dict[str, bytes] = {}
        for part in self.names(name):
            label, _, material = part.partition(":")
            try:
                key = bytes.fromhex(material)
            except ValueError:
                key = b""
            if not label or len(key) < SHORTEST_SECRET:
                self.problems.append(
                    f"{name} must look like id:hex[,id:hex] with at least "
                    f"{SHORTEST_SECRET} bytes of hex in each part."
                )
                return {}
            keys[label] = key
        if strict and any(_evident(key) for key in keys.values()):
            self.problems.append(f"{name} is not random; make each part with `{DRAW}`.")
        if not keys:
            self.problems.append(f"{name} is empty; it must hold at least one id:hex key.")
        return keys

    def secret(self, name: str, strict: bool) -> str:
        value = self.text(name)
        if strict and (value.lower() in WEAK_SECRETS or len(value) < SHORTEST_SECRET):
            self.problems.append(
                f"{name} is empty, a default or shorter than {SHORTEST_SECRET} characters; "
                "set a random one."
            )
        elif strict and _evident(value.encode()):
            self.problems.append(f"{name} is not random; make one with `{DRAW}`.")
        return value

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Django's settings of the database behind a URL; `default` must be a good one.

        What is wrong is said without the URL, which may hold a password.
        """
        raw = self.text(name) or default
        try:
            parts = urlsplit(raw)
            good = parts.scheme in SCHEMES and parts.port != 0 and len(parts.path) > 1
            found = _database(raw) if good else {}
        except (ValueError, KeyError):
            found = {}
        if found.get("ENGINE") in ENGINES and found.get("NAME") not in ("", ":memory:"):
            return found
        self.problems.append(
            f"{name} must look like postgres://user:password@host:5432/name or "
            "sqlite:////path/to/file.db; marks in a password are percent-encoded."
        )
        return _database(default)

    def finish(self) -> None:
        if self.problems:
            raise ImproperlyConfigured("The settings are wrong:\n  " + "\n  ".join(self.problems))


def _database(url: str) -> dict[str, Any]:
    """Raises ValueError or KeyError."""
    return dict(environ.Env.db_url_config(url))  # type: ignore[no-untyped-call]


def _evident(material: bytes) -> bool:
    """Whether it is a placeholder rather than drawn by chance, which repeats itself far less."""
    return len(set(material)) < LEAST_DISTINCT_BYTES


def log_directory(mode: str, var: Path) -> Path:
    """Where logs are, unless it is said: `default`, `xdg` (of the user) or `system`."""
    if mode == "system":
        return Path("/var/log/patchbay")
    if mode == "xdg":
        state = os.environ.get("XDG_STATE_HOME", "")
        # by the specification a relative path is to be ignored
        home = Path(state) if os.path.isabs(state) else Path.home() / ".local/state"
        return home / "patchbay/logs"
    return var / "logs"


def ensure_secrets(path: Path) -> None:
    """Make the secrets file with fresh random values unless it is there. Readable by its owner only.

    Raises ImproperlyConfigured where nothing can be written. Hex, because django-environ takes a
    value that starts with `$` for a reference.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_secrets(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"The settings are wrong:\n  VAR_DIR is {str(path.parent)!r}; "
            f"nothing can be written there ({error.strerror})."
        ) from None


def keep_private(path: Path) -> None:
    """Make an empty file that its owner alone can read, unless it is there; SQLite fills it.

    What SQLite puts beside a database has the database's own mode.
    """
    with contextlib.suppress(OSError):  # whoever opens it says why not
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _write_secrets(path: Path) -> None:
    lines = [
        "# Made once. Losing KEY_PEPPER makes every client key unknown; losing ENCRYPTION_KEYS",
        "# makes every stored provider secret and every encrypted transcript unreadable. Back this file",
        "# up apart from the database.",
        f"SECRET_KEY={secrets.token_hex(32)}",
        f"KEY_PEPPER=p1:{secrets.token_hex(32)}",
        f"ENCRYPTION_KEYS=k1:{secrets.token_hex(32)}",
    ]
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
    try:
        os.link(temporary, path)  # fails, and loses to, a process that was first
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
