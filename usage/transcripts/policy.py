"""Which transcripts are kept, and what is hidden in them: by key, team and rule, else by default. Pure.

Never looks at what was said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from usage.transcripts.placeholders import NAME

LEVELS = ("off", "metadata", "full")
KINDS = ("EMAIL", "PHONE", "CARD", "IBAN", "NATIONAL_ID", "IP", "PEOPLE")
"""Personal data that can be hidden, as the placeholders call it. Secrets are hidden whatever is set."""
EVERY_KIND = frozenset({"all"})
"""Whatever there is, the operator's own patterns too."""
MOST_PATTERNS = 50

Patterns = tuple[tuple[str, str], ...]
"""The operator's own: name and regular expression. Those that are alike are equal."""

_BUILT_IN = frozenset(KINDS)


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


def redaction_form(own: Collection[str] = ()) -> str:
    """What may stand there, in words."""
    return f"all, none, or some of {', '.join((*KINDS, *sorted(own)))}, by commas"


def redaction_text(
    text: str, own: Collection[str] | None = None, unread: Collection[str] = ()
) -> str:
    """What is to be hidden, in its one spelling. Raises ValueError with a sentence.

    `own` are the names of the operator's patterns; None where they are not known, and any name may be one.
    `unread` are those of patterns that are refused elsewhere: nobody is told to choose one.
    """
    words = {word.strip().upper() for word in text.split(",") if word.strip()}
    if words in ({"ALL"}, {"NONE"}):
        return words.pop().lower()
    others = sorted(words - _BUILT_IN)
    if not words or not all(map(_is_name, others)):
        raise ValueError(f"This must be {redaction_form(own or ())}.")
    unknown = [name for name in others if own is not None and name not in {*own, *unread}]
    if unknown:
        raise ValueError(
            f"There is no kind and no redaction pattern {unknown[0]}. "
            f"This must be {redaction_form(own or ())}."
        )
    return ",".join([kind for kind in KINDS if kind in words] + others)


def _is_name(word: str) -> bool:
    return re.fullmatch(NAME, word) is not None and word not in ("ALL", "NONE")


@lru_cache(maxsize=256)  # 100,000 keys that say the same hold one set
def redaction_kinds(text: str) -> frozenset[str]:
    """The names in a text. One that cannot be read hides everything."""
    try:
        text = redaction_text(text)
    except ValueError:
        return EVERY_KIND
    if text in ("all", "none"):
        return EVERY_KIND if text == "all" else frozenset()
    return frozenset(text.split(","))


def hidden(redaction: frozenset[str], patterns: Patterns) -> tuple[frozenset[str], dict[str, str]]:
    """The built-in kinds and the own patterns that are meant.

    A name that nothing has, of a pattern that was just deleted, say, leaves open what was meant: then
    everything is hidden.
    """
    own = dict(patterns)
    if not redaction <= _BUILT_IN | own.keys():
        return _BUILT_IN, own
    return redaction & _BUILT_IN, {name: own[name] for name in own if name in redaction}
