"""What can go wrong between us and a provider.

UpstreamFailure            an attempt came to nothing; carries the reason for the books
├── Unreachable            refused, no route, TLS, name, forbidden address (connect)
├── TimedOut               connect, first content, idle, total (timeout_*)
├── Rejected               the provider answered with an error status or an error event
├── Invalid                the answer is not what its format promises (upstream_invalid)
└── Truncated              the answer broke off before its end (upstream_truncated)

`retryable` says whether another Target may be tried, which holds only before the first content.
"""

from __future__ import annotations

from providers.wire.errors import ErrorInfo, ErrorKind


class UpstreamFailure(Exception):
    """An attempt failed. `reason` is a reason of the outcome table; `info` is what a client may be told."""

    reason = "upstream_error"
    retryable = True

    def __init__(self, info: ErrorInfo) -> None:
        super().__init__(info.message)
        self.info = info

    @property
    def detail(self) -> str:
        """What happened, for books and log: a sentence of ours, in which nothing is that was said."""
        return self.info.message


class Unreachable(UpstreamFailure):
    """No connection came about. `stale`: a kept connection turned out closed when it was used."""

    reason = "connect"

    def __init__(self, detail: str, stale: bool = False) -> None:
        message = f"The provider could not be reached: {detail}."
        super().__init__(ErrorInfo(ErrorKind.UPSTREAM, 502, message, "upstream_unreachable"))
        self.stale = stale


class TimedOut(UpstreamFailure):
    """A deadline passed. `reason` is timeout_connect, timeout_first, timeout_idle or timeout_total.

    The total is the whole request's: after it there is no time for another Target.
    """

    SENTENCES = {
        "timeout_connect": "The provider did not accept a connection in time.",
        "timeout_first": "The provider did not begin to answer in time.",
        "timeout_idle": "The provider stopped sending in the middle of its answer.",
        "timeout_total": "The provider did not finish its answer in time.",
    }

    def __init__(self, reason: str) -> None:
        super().__init__(
            ErrorInfo(ErrorKind.TIMEOUT, 504, self.SENTENCES[reason], f"upstream_{reason}")
        )
        self.reason = reason
        self.retryable = reason != "timeout_total"


class Rejected(UpstreamFailure):
    """The provider said no. `body` is its own answer where the client may see it as it is, else None."""

    def __init__(
        self,
        info: ErrorInfo,
        reason: str,
        retryable: bool,
        body: bytes | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(info)
        self.reason = reason
        self.retryable = retryable
        self.body = body
        self.retry_after = retry_after

    @property
    def detail(self) -> str:
        """None: the words are the provider's, and it may repeat what it was asked."""
        return ""


class Invalid(UpstreamFailure):
    reason = "upstream_invalid"

    def __init__(self, detail: str) -> None:
        message = f"The provider's answer could not be read: {detail}."
        super().__init__(ErrorInfo(ErrorKind.UPSTREAM, 502, message, "upstream_invalid_response"))


class Truncated(UpstreamFailure):
    reason = "upstream_truncated"

    def __init__(self) -> None:
        message = "The provider's answer broke off before its end."
        super().__init__(ErrorInfo(ErrorKind.UPSTREAM, 502, message, "stream_interrupted"))
