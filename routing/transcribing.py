"""Which Exchanges a Transcript is kept of, and where their Captures go. Hot: no look-up, no I/O."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from usage.transcripts.capture import Capture
from usage.transcripts.policy import Policy, decide, keeps

if TYPE_CHECKING:
    from routing.exchange import Exchange
    from routing.table import Route


class Transcripts(NamedTuple):
    """`default` holds where neither key, team nor rule says anything; `limit` is of each body, in bytes.

    `put` takes a Capture that is complete, and never waits or raises; None where there is no sink.
    """

    default: Policy
    limit: int
    put: Callable[[Capture], None] | None

    def begin(self, exchange: Exchange, route: Route, body: bytes) -> None:
        """The Exchange keeps what is said from here on, if it is to be kept. Counting says nothing."""
        if self.put is None or exchange.record.kind == "count_tokens":
            return
        caller, policy = exchange.caller, self.default
        key, team, rule = caller.transcripts, caller.team_transcripts, route.transcripts
        if key is not None or team is not None or rule is not None:
            policy = decide(key, team, rule, policy)
        if policy.level == "off" or (policy.share < 1 and not keeps(policy, random.random)):
            return
        limit, request = (self.limit, body) if policy.level == "full" else (0, b"")
        exchange.capture = Capture(
            policy, exchange.record, limit, route.patterns, exchange.trace_id, request
        )

    def end(self, exchange: Exchange) -> None:
        """The Exchange is over, and its record complete."""
        capture, exchange.capture = exchange.capture, None
        if capture is not None and self.put is not None:
            self.put(capture)
