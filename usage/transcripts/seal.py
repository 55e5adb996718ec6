"""What was said, readable to nobody without the credential key ring: compressed, then AES-256-GCM.

Each exchange has a cipher key of its own, derived from a key of the ring for this purpose alone. So what
was sealed for one exchange opens in no other's line, no credential's secret passes for a transcript,
and no key of the ring is used up by many transcripts.
"""

from __future__ import annotations

import base64
import re
import secrets
import zlib
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"patchbay transcript v1 "
NONCE_BYTES = 12
LEVEL = 3
"""Of zlib. It comes first: what is sealed does not get any smaller."""
LONGEST_NAME = 80


class Closed(Exception):
    """What was said cannot be read now; the text is a sentence that says why."""


def seal(said: bytes, exchange_id: str) -> tuple[str, str]:
    """The id of the first key of the ring, and what is sealed with it, as text."""
    identifier, key = next(iter(_ring().items()))
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + _cipher(key, exchange_id).encrypt(nonce, zlib.compress(said, LEVEL), None)
    return identifier, base64.b64encode(sealed).decode()


def unseal(sealed: str, identifier: str, exchange_id: str) -> bytes:
    """What was sealed for this exchange. Raises Closed."""
    key = _ring().get(identifier)
    name = re.sub(r"[^0-9A-Za-z._-]", "_", identifier[:LONGEST_NAME])
    if key is None:
        raise Closed(
            f"What was said is encrypted with the key {name}, which ENCRYPTION_KEYS does not have."
        )
    try:
        data = base64.b64decode(sealed, validate=True)
        nonce, content = data[:NONCE_BYTES], data[NONCE_BYTES:]
        return zlib.decompress(_cipher(key, exchange_id).decrypt(nonce, content, None))
    except (InvalidTag, ValueError):
        raise Closed(
            "What was said does not open: the line is damaged, or was encrypted with another key "
            f"than the {name} of ENCRYPTION_KEYS."
        ) from None


def _ring() -> Mapping[str, bytes]:
    ring: Mapping[str, bytes] = settings.ENCRYPTION_KEYS
    return ring


def _cipher(key: bytes, exchange_id: str) -> AESGCM:
    info = PURPOSE + exchange_id.encode()
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=info).derive(key))
