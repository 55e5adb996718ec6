"""Errors in the words of Messages: {"type": "error", "error": {…}, "request_id": …}."""

from __future__ import annotations

import msgspec

from providers.wire import sse
from providers.wire.errors import ErrorInfo, ErrorKind
from providers.wire.failure_text import kind_of, plain_text

TYPES = {
    ErrorKind.AUTHENTICATION: "authentication_error",
    ErrorKind.PERMISSION: "permission_error",
    ErrorKind.NOT_FOUND: "not_found_error",
    ErrorKind.METHOD_NOT_ALLOWED: "invalid_request_error",
    ErrorKind.INVALID_REQUEST: "invalid_request_error",
    ErrorKind.TOO_LARGE: "request_too_large",
    ErrorKind.RATE_LIMIT: "rate_limit_error",
    ErrorKind.QUOTA: "rate_limit_error",
    ErrorKind.OVERLOADED: "overloaded_error",
    ErrorKind.TIMEOUT: "timeout_error",
    ErrorKind.UPSTREAM: "api_error",
    ErrorKind.INTERNAL: "api_error",
}
KINDS = {
    "authentication_error": (ErrorKind.AUTHENTICATION, 401),
    "billing_error": (ErrorKind.QUOTA, 402),
    "permission_error": (ErrorKind.PERMISSION, 403),
    "not_found_error": (ErrorKind.NOT_FOUND, 404),
    "request_too_large": (ErrorKind.TOO_LARGE, 413),
    "invalid_request_error": (ErrorKind.INVALID_REQUEST, 400),
    "rate_limit_error": (ErrorKind.RATE_LIMIT, 429),
    "overloaded_error": (ErrorKind.OVERLOADED, 529),
    "timeout_error": (ErrorKind.TIMEOUT, 504),
}


class WireFault(msgspec.Struct):
    type: str | None = None
    message: str | None = None


class WireError(msgspec.Struct):
    error: WireFault | None = None


_error = msgspec.json.Decoder(WireError)


def error_status(info: ErrorInfo) -> int:
    """Anthropic answers 529 where others answer 503."""
    return 529 if info.kind is ErrorKind.OVERLOADED else info.status


def write_error(info: ErrorInfo, identifier: str) -> bytes:
    return msgspec.json.encode(
        {
            "type": "error",
            "error": {"type": TYPES[info.kind], "message": info.message},
            "request_id": identifier,
        }
    )


def error_event(info: ErrorInfo, identifier: str) -> bytes:
    """The last event of a stream that broke; no message_stop follows."""
    return sse.encode(write_error(info, identifier), b"error")


def read_error(status: int, body: bytes) -> ErrorInfo:
    """A provider's error body or event. A status of 200 takes the status that its type implies."""
    try:
        fault = _error.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fault = None
    if fault is None:
        return ErrorInfo(kind_of(status), status, plain_text(body))
    kind, implied = KINDS.get(fault.type or "", (kind_of(status), 502))
    message = fault.message or "The provider gave no reason."
    if status >= 400:
        return ErrorInfo(kind_of(status), status, message, fault.type)
    return ErrorInfo(kind, implied, message, fault.type)
