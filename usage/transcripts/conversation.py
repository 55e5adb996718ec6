"""Join the exchanges of a conversation or of an agent's session: each message once, in its order.

A client sends the whole conversation with every request. So an exchange goes on from an earlier one
if its messages begin with the earlier one's messages and answer. A running hash over the pieces of
what was said makes that one look into a table for each piece. What clients change between
requests does not count: system texts, thoughts, marks for caches, where a message ends and the
next begins, and spaces around texts.

Messages prove less than a session does: two people may say the same and be answered the same. So an
exchange that has a twin begins nothing that we could be sure of.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import msgspec

from usage.transcripts.cut_marks import is_gap
from usage.transcripts.said import said
from usage.transcripts.stored import Head, Line
from usage.transcripts.turns import Part, Said, Turn

LEAST_PIECES = 2
"""Of an exchange without its answer: many conversations begin with the same single message."""

_placeholder = re.compile(r"<[A-Z][A-Z0-9_]*_\d+>")


class Chain(NamedTuple):
    """The running hashes of an exchange: after each piece that was asked, and after the answer.

    `tail` is what a later exchange has if it goes on from this one; None if that cannot be known: of a
    text with placeholders nobody can tell whom it means, so there must be one without.
    """

    asked: list[bytes]
    tail: bytes | None


class Step(NamedTuple):
    """An exchange in a conversation, and what it adds to what was said before.

    `after` is the exchange it goes on from: "" for the first of a thread. `branches` says that it
    does so from an earlier place than the one before it in this list ended at.
    """

    line: Line
    asked: list[Turn]
    said: Said
    after: str
    branches: bool


def chain_of(line: Line, found: Said | None = None) -> Chain:
    """The running hashes of what was said in an exchange."""
    found = found or said(line)
    asked = [digest for digest, _ in _digests(found.asked, b"")]
    turns, head = found.asked, line.head
    if asked and found.answered and not head.partial and not head.truncated.get("response"):
        turns = [*turns, found.answered[0]]
    elif len(asked) < LEAST_PIECES:
        return Chain(asked, None)
    pieces = list(_digests(turns, b""))
    plain = any(not _placeholder.search(part.text) for _, part in pieces)
    return Chain(asked, pieces[-1][0] if plain else None)


class Relatives:
    """Who is of the conversation of an exchange: its session; or what came before it, and after.

    Without a session that is settled when all have been seen: `takes` says who may be, and afterwards
    `stays` who is. What goes on from an exchange with a twin, the same messages and answer, may as well
    go on from the twin: so neither is the beginning of anything.
    """

    def __init__(self, line: Line) -> None:
        self._head = line.head
        self._own = Chain([], None) if line.head.session else chain_of(line)
        self._known = set(self._own.asked)
        self._before: dict[bytes, set[str]] = defaultdict(set)
        self._after: set[str] = set()
        self._twins: set[str] = set()

    def takes(self, other: Line) -> bool:
        """Whether another exchange may be of the conversation."""
        if other.head.exchange_id == self._head.exchange_id:
            return True
        if _speaker(other.head) != _speaker(self._head):
            return False
        return bool(self._head.session) or self._is_near(other.head.exchange_id, chain_of(other))

    def stays(self, other: Line) -> bool:
        """Whether one that was taken is of it."""
        return other.head.exchange_id not in self._doubtful

    @property
    def left_out(self) -> str:
        """What was left out because it may be of somebody else; "" for nothing."""
        number = len(self._doubtful)
        if not number:
            return ""
        one = number == 1
        return (
            f"{number:,} exchange{' is' if one else 's are'} left out: several begin with the same "
            f"messages and answer, so that nobody can tell whose {'it is' if one else 'they are'}"
        )

    def _is_near(self, identifier: str, chain: Chain) -> bool:
        if chain.tail and chain.tail == self._own.tail:
            self._twins.add(identifier)
            return False
        if chain.tail and chain.tail in self._known:
            self._before[chain.tail].add(identifier)
            return True
        if self._own.tail in chain.asked:
            self._after.add(identifier)
            return True
        return False

    @cached_property
    def _doubtful(self) -> set[str]:
        twins = [found for found in self._before.values() if len(found) > 1]
        return set[str]().union(*twins, self._after if self._twins else ())


def _speaker(head: Head) -> tuple[str, ...]:
    """Who speaks. Within a session agents may speak for several."""
    return (head.client_key, head.session, "" if head.session else head.end_user)


def join(lines: Iterable[Line]) -> Iterator[Step]:
    """The exchanges, which come by time, each with what it adds."""
    seen: dict[bytes, str] = {}
    systems: set[str] = set()
    end = b""
    for line in lines:
        found = said(line)
        asked, last = _new(_after_gap(line, found.asked, bool(seen)), seen, systems)
        after = seen.get(last, "")
        yield Step(line, asked, found, after, bool(after) and last != end)
        end = _note(line, found, seen, last)


def _after_gap(line: Line, turns: list[Turn], goes_on: bool) -> list[Turn]:
    """What comes after the last answer where the middle is left out: what stood before it is not known."""
    if not goes_on or not line.head.truncated.get("request"):
        return turns
    answers = [at for at, turn in enumerate(turns) if turn.role == "assistant"]
    return turns[answers[-1] + 1 :] if answers else turns


def _new(turns: list[Turn], seen: dict[bytes, str], systems: set[str]) -> tuple[list[Turn], bytes]:
    """The turns that have not been shown, and the hash of the last piece that has."""
    last, running = b"", b""
    fresh: list[Turn] = []
    for turn in turns:
        if turn.role == "system":
            words = "\n".join(part.text for part in turn.parts)
            if words not in systems:
                systems.add(words)
                fresh.append(turn)
            continue
        parts = []
        for part in turn.parts:
            piece = _piece(turn.role, part)
            if piece is not None:
                running = _digest(running, piece)
                if running in seen:
                    last = running
                    continue
            if last != running or piece is not None:
                parts.append(part)
        if parts:
            fresh.append(Turn(turn.role, parts))
    return fresh, last


def _note(line: Line, found: Said, seen: dict[bytes, str], last: bytes) -> bytes:
    """Remember every place that a later exchange can go on from; returns the last one."""
    identifier = line.head.exchange_id
    places = [digest for digest, _ in _digests([*found.asked, *found.answered[:1]], b"")]
    for place in places:
        seen.setdefault(place, identifier)
    return places[-1] if places else last


def _digests(turns: list[Turn], running: bytes) -> Iterator[tuple[bytes, Part]]:
    """The running hash after each piece that counts."""
    for turn in turns:
        for part in turn.parts:
            piece = _piece(turn.role, part)
            if piece is not None:
                running = _digest(running, piece)
                yield running, part


def _digest(running: bytes, piece: bytes) -> bytes:
    return hashlib.blake2b(running + piece, digest_size=16).digest()


def _piece(role: str, part: Part) -> bytes | None:
    """What a part says, as far as it tells one conversation from another."""
    if role in ("system", "error") or is_gap(role, part.text) or part.kind == "thinking":
        return None
    words = part.text.strip()
    if part.kind == "call":
        words = _canonical(words)
    if not words and part.kind == "text":
        return None
    if part.kind == "result":
        role = "tool"
    name = part.name if part.kind == "call" else ""
    return "\0".join((role, part.kind, name, part.call_id, words)).encode(errors="replace")


def _canonical(arguments: str) -> str:
    """JSON as it would be written by anybody."""
    try:
        value = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments
    return msgspec.json.encode(value, order="sorted").decode()
