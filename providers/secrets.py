"""Secrets of Credentials at rest: encrypted under a ring of keys and bound to their row.

Three stored forms: `enc:v1:<key id>:<base64>`, and the references `env:NAME` and `file:PATH`.
The binding (`<provider>/<label>`) is authenticated with the ciphertext, so a secret that was
copied to another row, where another address would be sent it, does not open there.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

SEALED = "enc:v1:"
NONCE_BYTES = 12
LARGEST_FILE = 64 * 1024
OURS = frozenset({"SECRET_KEY", "KEY_PEPPER", "ENCRYPTION_KEYS", "DATABASE_URL", "METRICS_TOKEN"})
"""The gateway's own secrets: a reference to one would send it to a provider."""

_variable = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SecretMissing(Exception):
    """A credential cannot be opened now; the sentence says what is missing, never the secret."""

    @property
    def sentence(self) -> str:
        """To stand alone; the text itself follows a colon."""
        text = str(self)
        return text[:1].upper() + text[1:]


def binding(provider_name: str, label: str) -> str:
    """What a Credential's secret is bound to."""
    return f"{provider_name}/{label}"


def is_reference(text: str) -> bool:
    return text.startswith(("env:", "file:"))


def is_stored(text: str) -> bool:
    """Whether it is a stored form already, not plain text."""
    return is_reference(text) or text.startswith(SEALED)


def reference_problem(text: str) -> str | None:
    """What is wrong with an `env:NAME` or `file:PATH`, whatever it names now; None if nothing."""
    kind, _, name = text.partition(":")
    if kind == "file":
        return None if name.strip() else "file: needs a path."
    if not _variable.fullmatch(name):
        return f"env: needs the name of a variable; {name!r} is none."
    if name in OURS:
        return f"{name} is the gateway's own secret and is never sent to a provider."
    return None


def entered_problem(text: str) -> str | None:
    """What is wrong with a reference that came over the network, from a person in the admin.

    Whoever may enter one may also send it to a server of their own, so not every file may be named.
    A configuration file may name any: whoever applies it can read them anyway.
    """
    kind, _, path = text.partition(":")
    if kind != "file" or reference_problem(text):
        return reference_problem(text)
    directory = settings.SECRET_FILES_DIR
    if not directory:
        return "No file can be named here; a configuration file can name one."
    below = os.path.join(os.path.realpath(directory), "")
    if os.path.isabs(path) and os.path.realpath(path).startswith(below):
        return None
    return f"Name a file below {directory}; a configuration file can name others."


def seal(plain: str, bound_to: str) -> str:
    """Ciphertext under the first key of the ring, which opens for `bound_to` alone."""
    identifier, key = next(iter(_ring().items()))
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + _cipher(key).encrypt(nonce, plain.encode(), bound_to.encode())
    return f"{SEALED}{identifier}:{base64.b64encode(sealed).decode()}"


def open_secret(stored: str, bound_to: str) -> str:
    """Plain text of any stored form. Raises SecretMissing with a sentence that holds no secret."""
    kind, _, rest = stored.partition(":")
    if kind in ("env", "file") and (problem := reference_problem(stored)):
        raise SecretMissing(problem)
    if kind == "env":
        return _from_environment(rest)
    if kind == "file":
        return _from_file(rest)
    if stored.startswith(SEALED):
        return _unsealed(stored, bound_to)
    raise SecretMissing("no secret is stored." if not stored else "the stored form is not known.")


def reseal(stored: str, was_bound_to: str, bound_to: str) -> str:
    """The same secret for a row that got another name, under the first key. References stay.

    Raises SecretMissing if it does not open.
    """
    if not stored.startswith(SEALED):
        return stored
    return seal(_unsealed(stored, was_bound_to), bound_to)


def last4(plain: str) -> str:
    """What may be shown of a secret; nothing of a short one, whose end would give too much away."""
    return plain[-4:] if len(plain) >= 12 else ""


def _ring() -> Mapping[str, bytes]:
    ring: Mapping[str, bytes] = settings.ENCRYPTION_KEYS
    return ring


def _cipher(key: bytes) -> AESGCM:
    """Keys of the ring may be longer than a cipher key, and may serve other uses one day."""
    derived = HKDF(SHA256(), 32, salt=None, info=b"patchbay credential v1").derive(key)
    return AESGCM(derived)


def _unsealed(stored: str, bound_to: str) -> str:
    identifier, _, text = stored.removeprefix(SEALED).partition(":")
    key = _ring().get(identifier)
    if key is None:
        raise SecretMissing(f"the encryption key {identifier!r} is not in ENCRYPTION_KEYS.")
    try:
        sealed = base64.b64decode(text, validate=True)
        plain = _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
    except (InvalidTag, ValueError, binascii.Error):
        raise SecretMissing(
            "the stored secret does not open: it was made with another key, for another "
            "credential, or it is damaged. Enter it again."
        ) from None
    return plain.decode()


def _from_environment(name: str) -> str:
    plain = os.environ.get(name, "").strip()
    return _usable(plain, f"the environment variable {name} is not set.")


def _from_file(path: str) -> str:
    try:
        if Path(path).resolve().is_relative_to(Path(settings.VAR_DIR).resolve()):
            raise SecretMissing(f"{path} is in the gateway's own directory; nothing there is sent.")
        # Reading a pipe or a device could wait for ever.
        if not Path(path).is_file():
            raise SecretMissing(f"there is no file {path}.")
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise SecretMissing(f"the file {path} cannot be read ({reason}).") from None
    if len(content) > LARGEST_FILE:
        raise SecretMissing(f"the file {path} is too large for a secret.")
    return _usable(content.decode(errors="replace").strip(), f"the file {path} is empty.")


def _usable(plain: str, sentence: str) -> str:
    """A secret becomes a header value, where a line break or a letter beyond ASCII cannot stand."""
    if not plain:
        raise SecretMissing(sentence)
    if plain in _own_secrets():
        raise SecretMissing("it is one of the gateway's own secrets, which no provider is sent.")
    if problem := secret_problem(plain):
        raise SecretMissing(problem)
    return plain


def _own_secrets() -> set[str]:
    """In the forms in which a variable or a file may hold them."""
    own = {settings.SECRET_KEY, settings.METRICS_TOKEN, *map(os.environ.get, OURS)}
    for ring in (settings.KEY_PEPPERS, settings.ENCRYPTION_KEYS):
        for identifier, key in ring.items():
            own |= {key.hex(), f"{identifier}:{key.hex()}"}
    return {value.strip() for value in own if value}


def secret_problem(plain: str) -> str | None:
    """Why a text cannot be a provider's secret; None if it can."""
    if plain.isascii() and plain.isprintable():
        return None
    return "the secret has a line break, a control character or a letter beyond ASCII."
