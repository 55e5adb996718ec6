"""Errors of the wire: what can be wrong with what was said, whoever said it.

WireError
├── Unreadable       the client's request cannot be read            (the client's fault, 400)
├── Inexpressible    the provider's language cannot say a part of it (the client's fault, 400)
├── BadAnswer        the provider's answer is not of its format     (the provider's fault)
└── FrameTooLarge    one event is larger than is kept               (the provider's fault)

`ErrorInfo` is the canonical error; each format's codec writes it in its own words.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ErrorKind(StrEnum):
    """What went wrong, in one word that every format can translate."""

    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    INVALID_REQUEST = "invalid_request"
    TOO_LARGE = "too_large"
    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    UPSTREAM = "upstream"
    INTERNAL = "internal"


class ErrorInfo(msgspec.Struct, frozen=True):
    """An error as the gateway sees it. `status` is the HTTP status before a format adjusts it."""

    kind: ErrorKind
    status: int
    message: str
    code: str | None = None
    param: str | None = None


class WireError(Exception):
    """The root of this tree."""


class Unreadable(WireError):
    """A request that cannot be read. `path` names the member, "" the body as a whole."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


class Inexpressible(WireError):
    """A part of a request that the provider's language cannot say."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


class BadAnswer(WireError):
    """An answer that is not what its format promises."""


class FrameTooLarge(WireError):
    """An event that does not end within the bytes that are kept for it."""
