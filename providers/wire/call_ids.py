"""Tool-call ids: invented where a provider gives none, adapted where a format does not take one."""

from __future__ import annotations

import re
from collections import deque
from hashlib import sha256

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
INVENTED_PREFIX = "call_pb"

_foreign = re.compile(r"[^a-zA-Z0-9_-]")


def base62(text: str, length: int) -> str:
    """A hash of `text` in `length` digits."""
    number = int.from_bytes(sha256(text.encode()).digest())
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    return "".join(digits)


def invented_call_id(identifier: str, ordinal: int) -> str:
    """An id of our own. No other turn has it, since a history holds the calls of all turns."""
    return INVENTED_PREFIX + base62(f"{identifier}/{ordinal}", 22)


class CallIds:
    """The ids of one request's history as a format takes them, the same for a call and its result.

    An id that comes again is another call; results go to the calls of their id in turn. Nothing is
    remembered beyond the request: a provider never says our ids back to us.
    """

    __slots__ = ("_longest", "_open", "_sent", "_taken", "_times")

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._sent: dict[str, str] = {}
        self._open: dict[str, deque[str]] = {}
        self._times: dict[str, int] = {}
        self._taken: set[str] = set()

    def call(self, call_id: str) -> str:
        """The id of a call, which no other call of the request has."""
        sent = self._fresh(call_id)
        self._taken.add(sent)
        self._open.setdefault(call_id, deque()).append(sent)
        return sent

    def of(self, call_id: str) -> str:
        """The id of the call that a result belongs to."""
        waiting = self._open.get(call_id)
        if waiting:
            self._sent[call_id] = waiting.popleft()
        elif call_id not in self._sent:
            self._sent[call_id] = self._fresh(call_id)
            self._taken.add(self._sent[call_id])
        return self._sent[call_id]

    def _fresh(self, call_id: str) -> str:
        """A hash where the id itself is too long, or where another call is sent in its words."""
        ordinal = self._times.get(call_id, 0)
        candidate = _foreign.sub("_", call_id)
        while len(candidate) > self._longest or candidate in self._taken:
            candidate = "call_" + base62(f"{call_id}/{ordinal}" if ordinal else call_id, 24)
            ordinal += 1
        self._times[call_id] = ordinal
        return candidate
