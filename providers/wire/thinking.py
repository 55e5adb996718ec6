"""How much to think: words and numbers of tokens, each derived from the other."""

from __future__ import annotations

from collections.abc import Sequence

from providers.wire.model import ReasoningConfig

BUDGETS = {
    "none": 0,
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 32768,
}


def budget_of(config: ReasoningConfig) -> int | None:
    """Tokens to think with; None where that is left to the model."""
    if config.budget is not None:
        return config.budget
    return BUDGETS.get(config.effort) if config.effort else None


def effort_of(config: ReasoningConfig) -> str | None:
    """The word for it; of words with the same number the first."""
    if config.effort is not None:
        return config.effort
    if config.budget is None:
        return None
    wanted = config.budget
    return min(BUDGETS, key=lambda word: abs(BUDGETS[word] - wanted))


def nearest_effort(effort: str, known: Sequence[str]) -> str:
    """The word itself or, of those that are known, the nearest; of two as near the weaker."""
    words = list(BUDGETS)
    if effort in known or effort not in words:
        return effort
    place = words.index(effort)
    return min(known, key=lambda word: abs(words.index(word) - place))
