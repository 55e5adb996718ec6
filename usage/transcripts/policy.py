"""Which transcripts are kept, and what is hidden in them: by key, team and rule, else by default. Pure.

Never looks at what was said.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

LEVELS = ("off", "metadata", "full")
KINDS = ("EMAIL", "PHONE", "CARD", "IBAN", "NATIONAL_ID", "IP", "PEOPLE")
"""Personal data that can be hidden, as the placeholders call it. Secrets are hidden whatever is set."""
EVERY_KIND = frozenset(KINDS)
REDACTION_FORM = f"all, none, or some of {', '.join(KINDS)}, by commas"


class Policy(NamedTuple):
    """What is kept of one Exchange. `share` is the chance of it, 0 to 1."""

    level: str
    share: float
    redaction: frozenset[str]


class Override(NamedTuple):
    """What one key, team or rule sets itself; an empty level and None are as set above it."""

    level: str
    share: float | None
    redaction: frozenset[str] | None


def override(level: str, percent: Decimal | None, redaction: str) -> Override | None:
    """The three values as they are stored; None where nothing is set.

    A level that nobody knows (of a later version, say) keeps nothing.
    """
    if not level and percent is None and not redaction:
        return None
    return Override(
        level if not level or level in LEVELS else "off",
        None if percent is None else float(percent) / 100,
        redaction_kinds(redaction) if redaction else None,
    )


def decide(
    key: Override | None, team: Override | None, rule: Override | None, default: Policy
) -> Policy:
    """The Policy of one Exchange: member by member, the most specific value that is set."""
    if key is None and team is None and rule is None:
        return default
    level, share, redaction = default
    for said in (rule, team, key):
        if said is not None:
            level = said.level or level
            share = share if said.share is None else said.share
            redaction = redaction if said.redaction is None else said.redaction
    return Policy(level, share, redaction)


def keeps(policy: Policy, chance: Callable[[], float]) -> bool:
    """Whether this Exchange is one of the share. `chance` draws from 0 up to, but not including, 1."""
    return policy.level != "off" and (policy.share >= 1 or chance() < policy.share)


def redaction_text(text: str) -> str:
    """What is to be hidden, in its one spelling. Raises ValueError with a sentence."""
    words = dict.fromkeys(word.strip().upper() for word in text.split(",") if word.strip())
    if list(words) in (["ALL"], ["NONE"]):
        return next(iter(words)).lower()
    if not words or not words.keys() <= EVERY_KIND:
        raise ValueError(f"This must be {REDACTION_FORM}.")
    return ",".join(kind for kind in KINDS if kind in words)


@lru_cache(maxsize=256)  # 100,000 keys that say the same hold one set
def redaction_kinds(text: str) -> frozenset[str]:
    """The kinds that a text names. One that cannot be read hides everything."""
    try:
        text = redaction_text(text)
    except ValueError:
        return EVERY_KIND
    if text in ("all", "none"):
        return EVERY_KIND if text == "all" else frozenset()
    return frozenset(text.split(","))
