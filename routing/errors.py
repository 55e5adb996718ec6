"""Why a request goes nowhere: the refusals that routing itself makes.

Refused                    carries the reason for the books and what the client is told
├── Unknown                nobody we know calls (unauthenticated, 401)
├── BodyTimeout            the body does not come (body_timeout, 408)
├── QuotaSpent             a limit of the key, its team or everyone is reached (quota, 429)
├── NoRoute                no Rule takes the model (unknown_model, 404)
├── NotListed              a look at one model that no rule names, though one takes it (404)
├── ModelForbidden         the key may not ask for the model (forbidden_model, 403)
├── NoTargetAvailable      a Route, but nothing behind it can serve (connect, 503)
├── Overloaded             the worker has as much in hand as it takes (overloaded, 503)
├── Draining               the worker is going down (draining, 503)
├── Starting               the worker has not loaded its keys yet (overloaded, 503)
└── OutOfDate              the worker could not ask its database for too long (overloaded, 503)
"""

from __future__ import annotations

from providers.wire.errors import ErrorInfo, ErrorKind
from usage.quota import QuotaExceeded

LONGEST_SENSIBLE_WAIT = 120.0
"""Seconds; SDKs give up on a longer retry-after anyway."""


class Refused(Exception):
    """The request ends here.

    `retry_after` is in seconds; `should_retry` overrides the SDKs' own judgement.
    """

    def __init__(
        self,
        reason: str,
        info: ErrorInfo,
        retry_after: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(info.message)
        self.reason = reason
        self.info = info
        self.retry_after = retry_after
        self.should_retry = should_retry


class Unknown(Refused):
    def __init__(self, message: str) -> None:
        super().__init__(
            "unauthenticated",
            ErrorInfo(ErrorKind.AUTHENTICATION, 401, message, "invalid_api_key"),
        )


class BodyTimeout(Refused):
    def __init__(self) -> None:
        message = "The body of the request did not come in time."
        super().__init__("body_timeout", ErrorInfo(ErrorKind.TIMEOUT, 408, message, "body_timeout"))


class QuotaSpent(Refused):
    """SDKs retry a 429 by themselves; they are told not to where waiting does not help soon."""

    def __init__(self, exceeded: QuotaExceeded) -> None:
        money = exceeded.limit.metric == "cost"
        kind = ErrorKind.QUOTA if money else ErrorKind.RATE_LIMIT
        wait = exceeded.retry_after
        soon = wait is not None and wait <= LONGEST_SENSIBLE_WAIT
        super().__init__(
            "quota",
            ErrorInfo(kind, 429, str(exceeded)),
            retry_after=wait,
            should_retry=None if soon else False,
        )


class NoRoute(Refused):
    def __init__(self, model: str) -> None:
        message = (
            f"The model `{model}` does not exist here: no rule takes it. "
            "GET /v1/models lists the names that this key can use."
        )
        super().__init__(
            "unknown_model",
            ErrorInfo(ErrorKind.NOT_FOUND, 404, message, "model_not_found", "model"),
        )


class NotListed(Refused):
    """Only the look at one model says this: a request for it would be served."""

    def __init__(self, model: str) -> None:
        message = (
            f"The model `{model}` is not listed: no rule names it. But a rule takes such names, so "
            "it may be asked for; whether the provider has it shows then."
        )
        super().__init__(
            "unknown_model",
            ErrorInfo(ErrorKind.NOT_FOUND, 404, message, "model_not_listed", "model"),
        )


class ModelForbidden(Refused):
    def __init__(self, model: str) -> None:
        message = (
            f"This key may not use the model `{model}`. Ask the gateway's operator to allow it."
        )
        super().__init__(
            "forbidden_model",
            ErrorInfo(ErrorKind.PERMISSION, 403, message, "model_not_allowed", "model"),
        )


class NoTargetAvailable(Refused):
    def __init__(self, rule: str) -> None:
        message = f"Nothing behind the rule `{rule}` can serve now: no credential of its providers is usable."
        super().__init__(
            "connect", ErrorInfo(ErrorKind.UPSTREAM, 503, message, "no_target_available"), 30
        )


class Overloaded(Refused):
    def __init__(self) -> None:
        message = "The gateway has as many requests in hand as it takes. Try again in a moment."
        super().__init__(
            "overloaded", ErrorInfo(ErrorKind.OVERLOADED, 503, message, "overloaded"), 1
        )


class Draining(Refused):
    def __init__(self) -> None:
        message = "This gateway process is going down. Try again: another one answers."
        super().__init__("draining", ErrorInfo(ErrorKind.OVERLOADED, 503, message, "draining"), 1)


class Starting(Refused):
    def __init__(self) -> None:
        message = "The gateway is starting and has not reached its database yet. Try again soon."
        super().__init__("overloaded", ErrorInfo(ErrorKind.OVERLOADED, 503, message, "starting"), 2)


class OutOfDate(Refused):
    def __init__(self) -> None:
        message = "The gateway could not reach its database for too long. Try again later."
        super().__init__(
            "overloaded", ErrorInfo(ErrorKind.OVERLOADED, 503, message, "out_of_date"), 5
        )
