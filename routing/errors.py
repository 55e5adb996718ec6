"""Why a request goes nowhere: the refusals that routing itself makes.

Refused                    carries the reason for the books and what the client is told
├── NoRoute                no Rule takes the model (unknown_model, 404)
├── ModelForbidden         the key may not ask for the model (forbidden_model, 403)
├── NoTargetAvailable      a Route, but nothing behind it can serve (connect, 503)
├── Overloaded             the worker has as much in hand as it takes (overloaded, 503)
└── Draining               the worker is going down (draining, 503)
"""

from __future__ import annotations

from providers.wire.errors import ErrorInfo, ErrorKind


class Refused(Exception):
    """The request ends here. `retry_after` is in seconds; `should_retry` overrides the SDKs' own judgement."""

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


class NoRoute(Refused):
    def __init__(self, model: str) -> None:
        message = (
            f"The model `{model}` does not exist here: no rule takes it. "
            "GET /v1/models lists the names that this key can use."
        )
        super().__init__(
            "unknown_model", ErrorInfo(ErrorKind.NOT_FOUND, 404, message, "model_not_found", "model")
        )


class ModelForbidden(Refused):
    def __init__(self, model: str) -> None:
        message = f"This key may not use the model `{model}`. Ask the gateway's operator to allow it."
        super().__init__(
            "forbidden_model",
            ErrorInfo(ErrorKind.PERMISSION, 403, message, "model_not_allowed", "model"),
        )


class NoTargetAvailable(Refused):
    def __init__(self, rule: str) -> None:
        message = (
            f"Nothing behind the rule `{rule}` can serve now: no credential of its providers is usable."
        )
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
