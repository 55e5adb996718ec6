"""What the codes of the books mean in plain words, with the icon and tone that they are shown in."""

from __future__ import annotations

from typing import NamedTuple


class Mark(NamedTuple):
    """A status as people see it: word, icon and tone together, never colour alone."""

    word: str
    icon: str
    tone: str


OUTCOME_MARKS: dict[str, Mark] = {
    "completed": Mark("Completed", "check_circle", "good"),
    "refused": Mark("Refused", "block", "careful"),
    "failed": Mark("Failed", "error", "bad"),
    "abandoned": Mark("Abandoned", "logout", "neutral"),
}

REASON_WORDS: dict[str, str] = {
    "ok": "answered",
    "cache_hit": "answered from the cache",
    "unauthenticated": "no valid key",
    "forbidden_model": "model not allowed for this key",
    "unknown_model": "no rule takes this model",
    "bad_request": "request could not be read",
    "too_large": "request too large",
    "body_timeout": "request never arrived whole",
    "quota": "quota used up",
    "strict_loss": "would have lost something in translation",
    "overloaded": "gateway full",
    "draining": "gateway was shutting down",
    "connect": "provider could not be reached",
    "timeout_connect": "provider did not accept a connection",
    "timeout_first": "provider did not begin to answer",
    "timeout_idle": "provider stopped in the middle",
    "timeout_total": "provider did not finish in time",
    "upstream_auth": "provider refused our credential",
    "upstream_rate_limited": "provider's rate limit",
    "upstream_overloaded": "provider overloaded",
    "upstream_error": "provider's own error",
    "upstream_invalid": "provider's answer was not readable",
    "upstream_truncated": "provider cut the answer short",
    "upstream_refused": "provider refused the request",
    "drain_cut": "cut by a restart of the gateway",
    "client_too_slow": "client did not read the answer",
    "internal": "fault in the gateway",
    "crashed": "gateway process died",
    "before_content": "client left before any content",
    "mid_stream": "client left in the middle",
}

ATTEMPT_WORDS = REASON_WORDS | {"cancelled": "given up: the client left"}

USAGE_SOURCES: dict[str, str] = {
    "provider": "counted by the provider",
    "observed": "counted from what passed",
    "estimated": "estimated",
}


def outcome_mark(outcome: str) -> Mark:
    return OUTCOME_MARKS.get(outcome, Mark("Running", "pending", "note"))


def reason_words(reason: str) -> str:
    return ATTEMPT_WORDS.get(reason, reason.replace("_", " "))
