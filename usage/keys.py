"""Client keys: make, parse, digest; and who is calling. Pure but for the randomness of a new key."""

from __future__ import annotations

import hmac
import re
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from usage.transcripts.policy import Override

PREFIX = "pbk_"
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
"""Every number of two base62 digits as text."""
MOST_REMEMBERED_MODELS = 256

_shape = re.compile(rb"pbk_[0-9A-Za-z]{38}")
_anywhere = re.compile(r"pbk_[0-9A-Za-z]{8,}")


def make_key() -> str:
    """A new key: prefix, 32 base62 characters of chance (190 bits), six of CRC32 of what precedes."""
    body = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return body + checksum(body)


def checksum(body: str) -> str:
    """CRC32 in six base62 digits, most significant first: lets anybody tell a typing error offline."""
    rest, last = divmod(zlib.crc32(body.encode()), len(PAIRS))
    first, middle = divmod(rest, len(PAIRS))
    return PAIRS[first] + PAIRS[middle] + PAIRS[last]


def well_formed(key: bytes) -> bool:
    """Whether it can be a key at all; if not, it is refused without a look-up."""
    if not _shape.fullmatch(key):
        return False
    text = key.decode("ascii")
    return text[-CHECKSUM_LENGTH:] == checksum(text[:-CHECKSUM_LENGTH])


def without_keys(text: str) -> str:
    """A text that a client chose, without whatever is, or was to be, a key: some put it anywhere."""
    return _anywhere.sub("[hidden]", text) if PREFIX in text else text


def digest(pepper: bytes, key: bytes) -> bytes:
    """What is stored of a key: HMAC-SHA256. A key of 190 random bits needs no slow hash."""
    return hmac.digest(pepper, key, "sha256")


def presented_key(headers: Mapping[bytes, bytes], query: bytes) -> bytes | None:
    """The first credential that begins like a key of ours; clients of every vendor send theirs elsewhere."""
    prefix = PREFIX.encode()
    bearer = headers.get(b"authorization", b"")
    if bearer[:7].lower() == b"bearer ":
        bearer = bearer[7:].strip()
        if bearer.startswith(prefix):
            return bearer
    for name in (b"x-api-key", b"api-key", b"x-goog-api-key"):
        value = headers.get(name, b"")
        if value.startswith(prefix):
            return value
    for part in query.split(b"&") if query else ():
        if part.startswith(b"key=" + prefix):
            return part[4:]
    return None


class Unauthenticated(Exception):
    """No key that opens anything. `reason` is missing, malformed, unknown, expired or revoked."""

    SENTENCES = {
        "missing": "No key of this gateway was sent. Send one (it begins with pbk_) as "
        "`Authorization: Bearer` or `x-api-key`.",
        "malformed": "The key is not well formed: it was cut or mistyped. Copy it again, whole.",
        "unknown": "The key is not known here. Ask the gateway's operator for one.",
        "expired": "The key has expired. Ask the gateway's operator for a new one.",
        "revoked": "The key was revoked. Ask the gateway's operator for a new one.",
    }

    def __init__(self, reason: str) -> None:
        super().__init__(self.SENTENCES[reason])
        self.reason = reason


def model_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of model names compiled: `*` is any text, slashes too, `?` one character.

    Model names come from clients and may be long. Each `*` but the last takes the shortest text
    for good (an atomic group), which finds every match and keeps the search from going back.
    """
    first, *rest = map(_piece, re.split(r"\*+", pattern))
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    atoms = "".join(f"(?>.*?{piece})" for piece in middle)
    return re.compile(f"{first}{atoms}.*{last}", re.DOTALL)


def _piece(text: str) -> str:
    return "".join("." if mark == "?" else re.escape(mark) for mark in text)


def is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


@dataclass(frozen=True, slots=True)
class Caller:
    """A ClientKey compiled. `expires_at` is in Unix seconds."""

    id: int
    name: str
    team: str = ""
    owner: str = ""
    models: tuple[str, ...] = ("*",)
    strict: bool = False
    expires_at: float | None = None
    revoked: bool = False
    transcripts: Override | None = None
    team_transcripts: Override | None = None
    _known: dict[str, bool] = field(default_factory=dict, repr=False)

    def may_use(self, model: str) -> bool:
        """Whether one of its patterns takes the name; remembered, and the memory is bounded."""
        if self.models == ("*",):
            return True
        known = self._known.get(model)
        if known is None:
            known = any(model_pattern(pattern).fullmatch(model) for pattern in self.models)
            if len(self._known) >= MOST_REMEMBERED_MODELS:
                self._known.clear()
            self._known[model] = known
        return known


class KeyRing:
    """All client keys by digest. Changed in place, between two turns of the event loop."""

    def __init__(self, peppers: Mapping[str, bytes]) -> None:
        # Keying the hash once and copying it costs a third of keying it for every look-up.
        self._peppered = [hmac.new(pepper, digestmod="sha256") for pepper in peppers.values()]
        self._callers: dict[bytes, Caller] = {}
        self._digests: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._callers)

    def put(self, digest: bytes, caller: Caller) -> None:
        """Add a key, or replace it: a rotated one loses its old digest."""
        old = self._digests.get(caller.id)
        if old is not None and old != digest:
            self._callers.pop(old, None)
        self._digests[caller.id] = digest
        self._callers[digest] = caller

    def keep_only(self, ids: frozenset[int]) -> None:
        """Forget the keys whose rows are gone."""
        for identifier in self._digests.keys() - ids:
            self._callers.pop(self._digests.pop(identifier), None)

    def authenticate(self, headers: Mapping[bytes, bytes], query: bytes, now: float) -> Caller:
        """Who calls. Raises Unauthenticated. Expiry is judged now, not when the key was loaded."""
        key = presented_key(headers, query)
        if key is None:
            raise Unauthenticated("missing")
        if not well_formed(key):
            raise Unauthenticated("malformed")
        # A look-up by the whole digest leaks nothing by its time: nobody can steer a keyed hash.
        for peppered in self._peppered:
            mac = peppered.copy()
            mac.update(key)
            caller = self._callers.get(mac.digest())
            if caller is not None:
                break
        else:
            raise Unauthenticated("unknown")
        if caller.revoked:
            raise Unauthenticated("revoked")
        if caller.expires_at is not None and now >= caller.expires_at:
            raise Unauthenticated("expired")
        return caller


def unix(moment: datetime | None) -> float | None:
    return None if moment is None else moment.astimezone(UTC).timestamp()
