"""What an error answer says when it does not say it in its format."""

from __future__ import annotations

from providers.wire.errors import ErrorKind

LONGEST_MESSAGE = 500

_KINDS = {
    401: ErrorKind.AUTHENTICATION,
    402: ErrorKind.QUOTA,
    403: ErrorKind.PERMISSION,
    404: ErrorKind.NOT_FOUND,
    405: ErrorKind.METHOD_NOT_ALLOWED,
    408: ErrorKind.TIMEOUT,
    413: ErrorKind.TOO_LARGE,
    429: ErrorKind.RATE_LIMIT,
    503: ErrorKind.OVERLOADED,
    504: ErrorKind.TIMEOUT,
    529: ErrorKind.OVERLOADED,
}


def kind_of(status: int) -> ErrorKind:
    """The kind that an HTTP status stands for."""
    if status in _KINDS:
        return _KINDS[status]
    return ErrorKind.INVALID_REQUEST if 400 <= status < 500 else ErrorKind.UPSTREAM


def plain_text(body: bytes) -> str:
    """A short text of an error body; a web page is not repeated, nor what is no text."""
    text = body[: 4 * LONGEST_MESSAGE].decode("utf-8", "replace").strip()
    if not text or text.startswith("<") or "\ufffd" in text.rstrip("\ufffd"):
        return "The provider answered with an error page."
    return "".join(mark if mark.isprintable() else " " for mark in text)[:LONGEST_MESSAGE]
