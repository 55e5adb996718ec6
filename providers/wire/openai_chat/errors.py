"""Errors in the words of Chat Completions: {"error": {"message", "type", "param", "code"}}."""

from __future__ import annotations

from typing import TypeGuard

import msgspec

from providers.wire import sse
from providers.wire.errors import ErrorInfo, ErrorKind
from providers.wire.failure_text import kind_of, plain_text
from providers.wire.json_text import OBJECT

TYPES = {
    ErrorKind.AUTHENTICATION: ("invalid_request_error", "invalid_api_key"),
    ErrorKind.PERMISSION: ("permission_denied", "model_not_allowed"),
    ErrorKind.NOT_FOUND: ("invalid_request_error", "not_found"),
    ErrorKind.METHOD_NOT_ALLOWED: ("invalid_request_error", "method_not_allowed"),
    ErrorKind.INVALID_REQUEST: ("invalid_request_error", None),
    ErrorKind.TOO_LARGE: ("invalid_request_error", "request_too_large"),
    ErrorKind.RATE_LIMIT: ("rate_limit_error", "rate_limit_exceeded"),
    ErrorKind.QUOTA: ("insufficient_quota", "budget_exceeded"),
    ErrorKind.OVERLOADED: ("server_error", "overloaded"),
    ErrorKind.TIMEOUT: ("timeout", "timeout"),
    ErrorKind.UPSTREAM: ("server_error", "upstream_error"),
    ErrorKind.INTERNAL: ("server_error", "internal_error"),
}
NO_ERROR = msgspec.Raw(b"null")
"""What an absent `error` counts as: a union of Raw and None would decode null alone."""

ERROR_STATUSES = frozenset(str(status) for status in range(400, 600))


class WireFault(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | int | None = None
    param: str | None = None


_fault = msgspec.json.Decoder(WireFault)
_text = msgspec.json.Decoder(str)


def error_object(info: ErrorInfo) -> dict[str, str | None]:
    """The inner object of an error."""
    kind, code = TYPES[info.kind]
    return {
        "message": info.message,
        "type": kind,
        "param": info.param,
        "code": info.code or code,
    }


def write_error(info: ErrorInfo) -> bytes:
    return msgspec.json.encode({"error": error_object(info)})


def error_event(info: ErrorInfo, identifier: str) -> bytes:
    """The last event of a stream that broke; no [DONE] follows, so that it is no clean end.

    SDKs raise on the top-level `error`; simpler readers see a finish reason that is no success.
    """
    chunk = {
        "id": f"chatcmpl-{identifier}",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}],
        "error": error_object(info),
    }
    return sse.encode(msgspec.json.encode(chunk))


def read_error_member(status: int, raw: msgspec.Raw | None) -> ErrorInfo | None:
    """The value of an `error` member; None if it is null."""
    if raw is None or bytes(raw) == b"null":
        return None
    try:
        fault = _fault.decode(raw)
        code = None if fault.code is None else str(fault.code)
        if status < 400 and _is_status(fault.code):
            status, code = int(fault.code), fault.type or code
        message = fault.message or fault.type or code or "The provider gave no reason."
    except (msgspec.DecodeError, UnicodeDecodeError):
        code, fault = None, WireFault()
        try:
            message = _text.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            message = plain_text(bytes(raw))
    return ErrorInfo(kind_of(status), status, message, code or fault.type, fault.param)


def _is_status(code: str | int | None) -> TypeGuard[str | int]:
    """Whether a code is an HTTP status, as in the streams of servers that sent their own 200 before."""
    return str(code) in ERROR_STATUSES


def read_error(status: int, body: bytes) -> ErrorInfo:
    """A provider's error body, also where it is {"message": …}, a list or no JSON at all."""
    try:
        members = OBJECT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ErrorInfo(kind_of(status), status, plain_text(body))
    inner = read_error_member(status, members.get("error", msgspec.Raw(body)))
    return inner or ErrorInfo(kind_of(status), status, plain_text(body))
