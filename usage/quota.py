"""Admit under quotas, in memory: reserve the worst case, settle with the truth.

Exact in one process. A window is a calendar minute, hour, day or month in UTC, and a new window
is a new counter, so there is nothing to reset. A refused request consumes nothing; a failed one
keeps its request and gives its money back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from usage.keys import Caller

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """A Quota compiled. `amount` is in requests or nano-dollars; no key and no team is everyone.

    `team` is the team's name, by which callers are known; its id stays when it is renamed.
    """

    id: int
    metric: str
    window: str
    amount: int
    key_id: int | None = None
    team: str = ""
    team_id: int | None = None

    @property
    def counts(self) -> tuple[int, str, str, int | None, int | None]:
        """What its counter is of. With another metric, window or subject it is another counter."""
        return self.id, self.metric, self.window, self.key_id, self.team_id

    def concerns(self, caller: Caller) -> bool:
        if self.key_id is not None:
            return self.key_id == caller.id
        return not self.team or self.team == caller.team

    def describe(self) -> str:
        whose = "this key" if self.key_id is not None else "the team" if self.team else "everyone"
        amount = _dollars(self.amount) if self.metric == "cost" else f"{self.amount} requests"
        return f"{amount} per {self.window} for {whose}"


class QuotaExceeded(Exception):
    """A limit is reached. `retry_after` is in seconds, None where waiting does not help."""

    def __init__(self, limit: Limit, retry_after: float | None, message: str) -> None:
        super().__init__(message)
        self.limit = limit
        self.retry_after = retry_after


@dataclass(slots=True)
class Counter:
    """What one window of one limit has: spent, and reserved by requests in flight."""

    spent: int = 0
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a request holds: (counter, amount) of each money limit, in the window it was taken in."""

    held: tuple[tuple[Counter, int], ...] = ()


NOTHING = Reservation()


@dataclass(slots=True)
class QuotaBook:
    """All limits and their counters."""

    _limits: tuple[Limit, ...] = ()
    _counters: dict[tuple[int, float], Counter] = field(default_factory=dict)
    _by_caller: dict[tuple[int, str], tuple[Limit, ...]] = field(default_factory=dict)
    _windows: dict[str, tuple[float, float]] = field(default_factory=dict)

    def replace(self, limits: Iterable[Limit]) -> None:
        """Take over new definitions.

        A counter stays where only the amount is new; what another metric, window or subject has
        spent says nothing.
        """
        known = {limit.counts for limit in self._limits}
        self._limits = tuple(limits)
        self._by_caller.clear()
        kept = {limit.id for limit in self._limits if limit.counts in known}
        self._counters = {key: one for key, one in self._counters.items() if key[0] in kept}

    def seed(self, limit: Limit, spent: int, now: float) -> None:
        """Set what the books hold for the current window of a limit."""
        self._counter(limit, now).spent = spent

    def limits_of(self, caller: Caller) -> tuple[Limit, ...]:
        if not self._limits:
            return ()
        who = (caller.id, caller.team)
        found = self._by_caller.get(who)
        if found is None:
            found = tuple(limit for limit in self._limits if limit.concerns(caller))
            self._by_caller[who] = found
        return found

    def room(self, caller: Caller, now: float) -> int | None:
        """Nano-dollars left under the tightest money limit; None without one."""
        rooms = [
            limit.amount - counter.spent - counter.reserved
            for limit in self.limits_of(caller)
            if limit.metric == "cost"
            for counter in (self._counter(limit, now),)
        ]
        return max(0, min(rooms)) if rooms else None

    def admit(self, caller: Caller, cost: int | None, now: float) -> Reservation:
        """Reserve one request and `cost` nano-dollars under every limit, or raise QuotaExceeded.

        `cost` None is an unknown price: under a money limit it is refused, for a cap that cannot
        be computed cannot be kept.
        """
        limits = self.limits_of(caller)
        if not limits:
            return NOTHING
        taken: list[tuple[Counter, int, bool]] = []
        for limit in limits:
            counter = self._counter(limit, now)
            amount = 1 if limit.metric == "requests" else self._price(limit, cost)
            if counter.spent + counter.reserved + amount > limit.amount:
                raise _exceeded(limit, counter, now)
            taken.append((counter, amount, limit.metric == "cost"))
        for counter, amount, money in taken:
            if money:
                counter.reserved += amount
            else:
                counter.spent += amount
        return Reservation(tuple((counter, amount) for counter, amount, money in taken if money))

    def settle(self, reservation: Reservation, cost: int | None) -> None:
        """Give the reservation back and count the truth; an unknown cost counts as all of it."""
        for counter, amount in reservation.held:
            counter.reserved -= amount
            counter.spent += amount if cost is None else cost

    @staticmethod
    def _price(limit: Limit, cost: int | None) -> int:
        if cost is None:
            raise QuotaExceeded(
                limit,
                None,
                f"This key spends under a budget ({limit.describe()}), and the model asked for has no "
                "known price. Ask the gateway's operator to set one.",
            )
        return cost

    def _counter(self, limit: Limit, now: float) -> Counter:
        start = self._start_of(limit.window, now)
        counter = self._counters.get((limit.id, start))
        if counter is None:
            self._forget_windows_before(start, limit.id)
            counter = self._counters[limit.id, start] = Counter()
        return counter

    def _start_of(self, window: str, now: float) -> float:
        """Where the window that holds `now` begins; the calendar is asked once a window."""
        known = self._windows.get(window)
        if known is None or not known[0] <= now < known[1]:
            known = self._windows[window] = window_of(window, now)
        return known[0]

    def _forget_windows_before(self, start: float, identifier: int) -> None:
        """Old windows go; a Reservation holds on to its own counter."""
        for key in [key for key in self._counters if key[0] == identifier and key[1] < start]:
            del self._counters[key]


def window_of(window: str, now: float) -> tuple[float, float]:
    """Start and end of the calendar window in UTC that holds `now`, in Unix seconds."""
    if window == "minute":
        start = now - now % 60
        return start, start + 60
    if window == "hour":
        start = now - now % 3600
        return start, start + 3600
    moment = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "day":
        return moment.timestamp(), moment.timestamp() + 86_400
    first = moment.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return first.timestamp(), following.timestamp()


def _exceeded(limit: Limit, counter: Counter, now: float) -> QuotaExceeded:
    wait = window_of(limit.window, now)[1] - now
    if limit.metric == "requests":
        message = f"The limit of {limit.describe()} is reached; it opens again in {_span(wait)}."
    else:
        left = max(0, limit.amount - counter.spent - counter.reserved)
        message = (
            f"The budget of {limit.describe()} does not allow this request: {_dollars(left)} is left. "
            f"A new window begins in {_span(wait)}."
        )
    return QuotaExceeded(limit, wait, message)


def _dollars(nano: int) -> str:
    """The cents, and beyond them every digit that says something."""
    whole, rest = divmod(nano, NANO)
    return f"${whole:,}.{f'{rest:09d}'.rstrip('0').ljust(2, '0')}"


def _span(seconds: float) -> str:
    """A time to wait in its largest fitting unit, never shorter than it is."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds > 2 * size:
            return f"{ceil(seconds / size)} {unit}"
    return f"{ceil(seconds)} s"
