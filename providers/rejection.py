"""Make of a provider's error answer what the client may be told.

Its 401 is ours, not the client's, so it becomes a 502; its HTML, headers and our own secret
never leave. What the caller did wrong is passed on with the provider's own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time
from typing import TYPE_CHECKING

import msgspec

from providers.errors import Invalid, Rejected, UpstreamFailure
from providers.wire.errors import ErrorInfo, ErrorKind

if TYPE_CHECKING:
    from providers.http1 import Reply
    from providers.translate import Outbound
    from providers.wire.codec import Codec

CALLERS_FAULT = frozenset({400, 404, 405, 409, 413, 415, 422})
OUR_CREDENTIAL = frozenset({401, 402, 403, 407})
OUR_BILL = frozenset({"insufficient_quota", "billing_error"})
OUR_BILL_SENTENCE = "credit balance is too low"
OVERLOADED = frozenset({503, 529})
LARGEST_SAID = 2**20
SAID_SECONDS = 2.0
"""How long is waited for what a provider has to say for itself."""
LONGEST_WAIT = 3600.0
HIDDEN = "[hidden]"
SHORTEST_HIDDEN = 8


async def read_rejection(reply: Reply, outbound: Outbound, limit: int) -> UpstreamFailure:
    """The failure that a non-200 answer means. Its body says more, if it comes."""
    body = await _what_comes(reply, min(limit, LARGEST_SAID))
    if reply.status < 400:
        return Invalid(f"status {reply.status} where an answer was expected")
    return judge(
        reply.status,
        body,
        reply.headers,
        codec=outbound.lane.source,
        secret=outbound.login.secret,
        same_format=outbound.same_format,
    )


async def _what_comes(reply: Reply, limit: int) -> bytes:
    """The body, or so much of it as there was: the status alone says what matters."""
    said = b""
    with suppress(UpstreamFailure, TimeoutError):
        async with asyncio.timeout(SAID_SECONDS):
            while len(said) < limit and (chunk := await reply.chunk()):
                said += chunk
    return said[:limit]


def judge(
    status: int,
    body: bytes,
    headers: Mapping[str, str],
    codec: Codec,
    secret: str,
    same_format: bool,
) -> Rejected:
    """Pure: status and body of an error answer to what it means for us."""
    told = scrub(codec.read_error(status, body), secret)
    if status in OUR_CREDENTIAL or _is_our_bill(told):
        return judge_credential()
    if status in CALLERS_FAULT:
        shown = _own_words(body, secret) if same_format else None
        return Rejected(told, "upstream_refused", retryable=False, body=shown)
    if status == 429:
        shown = _own_words(body, secret) if same_format else None
        return Rejected(
            told, "upstream_rate_limited", True, body=shown, retry_after=wait_of(headers)
        )
    if status in OVERLOADED:
        info = ErrorInfo(ErrorKind.OVERLOADED, 503, told.message, "upstream_overloaded")
        return Rejected(info, "upstream_overloaded", True, retry_after=wait_of(headers))
    info = ErrorInfo(ErrorKind.UPSTREAM, 502, told.message, "upstream_error")
    return Rejected(info, "upstream_error", retryable=status >= 500 or status == 408)


def _is_our_bill(told: ErrorInfo) -> bool:
    """Whether the provider asks for money: OpenAI does so with a 429, Anthropic with a 400."""
    return told.code in OUR_BILL or OUR_BILL_SENTENCE in told.message


def judge_event(told: ErrorInfo, secret: str) -> Rejected:
    """An error that a provider reported inside an answer of status 200. Its type says what it is."""
    told = scrub(told, secret)
    if told.status in OUR_CREDENTIAL or _is_our_bill(told):
        return judge_credential()
    if told.status in CALLERS_FAULT:
        return Rejected(told, "upstream_refused", retryable=False)
    words = f"{told.code or ''} {told.kind}".lower()
    if "rate_limit" in words:
        return Rejected(
            ErrorInfo(ErrorKind.RATE_LIMIT, 429, told.message), "upstream_rate_limited", True
        )
    if "overloaded" in words or "unavailable" in words:
        return Rejected(
            ErrorInfo(ErrorKind.OVERLOADED, 503, told.message, "upstream_overloaded"),
            "upstream_overloaded",
            True,
        )
    info = ErrorInfo(ErrorKind.UPSTREAM, 502, told.message, told.code or "upstream_error")
    return Rejected(info, "upstream_error", retryable=True)


def judge_credential() -> Rejected:
    """The provider does not take our secret: nothing that the client could mend."""
    message = "The provider refused the gateway's own credential. Its operator has to mend it."
    info = ErrorInfo(ErrorKind.UPSTREAM, 502, message, "upstream_auth")
    return Rejected(info, "upstream_auth", retryable=True)


def scrub(info: ErrorInfo, secret: str) -> ErrorInfo:
    """The same error without our secret in its words."""
    if len(secret) < SHORTEST_HIDDEN or secret not in info.message:
        return info
    return msgspec.structs.replace(info, message=info.message.replace(secret, HIDDEN))


def _own_words(body: bytes, secret: str) -> bytes | None:
    """The provider's own error body, if it is a JSON object; our secret taken out."""
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return None
    return hide(body, secret)


def hide(data: bytes, secret: str) -> bytes:
    """The same bytes without our secret. A very short one cannot be told from ordinary text."""
    if len(secret) < SHORTEST_HIDDEN:
        return data
    return data.replace(secret.encode(), HIDDEN.encode())


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds that the provider asks us to wait: retry-after-ms, or retry-after as seconds or a date."""
    try:
        if "retry-after-ms" in headers:
            wait = float(headers["retry-after-ms"]) / 1000
        elif headers.get("retry-after", "").strip().replace(".", "", 1).isdigit():
            wait = float(headers["retry-after"])
        elif "retry-after" in headers:
            wait = parsedate_to_datetime(headers["retry-after"]).timestamp() - time()
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return min(max(wait, 0.0), LONGEST_WAIT) if isfinite(wait) else None
