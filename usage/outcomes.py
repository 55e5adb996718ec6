"""The one table of how an Exchange can end: code, metrics, records and docs are made from it."""

from __future__ import annotations

OUTCOMES: dict[str, tuple[str, ...]] = {
    "completed": ("ok", "cache_hit"),
    "refused": (
        "unauthenticated",
        "forbidden_model",
        "unknown_model",
        "bad_request",
        "too_large",
        "body_timeout",
        "quota",
        "strict_loss",
        "overloaded",
        "draining",
    ),
    "failed": (
        "connect",
        "timeout_connect",
        "timeout_first",
        "timeout_idle",
        "timeout_total",
        "upstream_auth",
        "upstream_rate_limited",
        "upstream_overloaded",
        "upstream_error",
        "upstream_invalid",
        "upstream_truncated",
        "upstream_refused",
        "drain_cut",
        "client_too_slow",
        "internal",
        "crashed",
    ),
    "abandoned": ("before_content", "mid_stream"),
}
OUTCOME_OF: dict[str, str] = {
    reason: outcome for outcome, reasons in OUTCOMES.items() for reason in reasons
}
