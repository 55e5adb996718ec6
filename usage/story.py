"""What happened in one Exchange, told from its record: attempts on a line of time, tokens, losses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from usage.record import AttemptRecord
from usage.words import USAGE_SOURCES, reason_words

if TYPE_CHECKING:
    from usage.models import UsageRecord

LINE = 1000
"""The length of the line of time that attempts are drawn on."""
THINNEST = 4


class Step(NamedTuple):
    """One Attempt. `start` and `length` are on the line of time; `answered` is where content came."""

    number: int
    provider: str
    model: str
    credential: str
    status: int
    good: bool
    words: str
    detail: str
    ms: float
    why: str
    start: int
    length: int
    answered: int | None
    streaming: int


class Count(NamedTuple):
    """A kind of token and how many there were."""

    words: str
    number: int


class Story(NamedTuple):
    steps: tuple[Step, ...]
    sentence: str
    tokens: tuple[Count, ...]
    losses: tuple[tuple[str, str], ...]
    source: str
    price: str


def story(record: UsageRecord) -> Story:
    return Story(
        steps=_steps(record),
        sentence=_sentence(record),
        tokens=_tokens(record),
        losses=tuple(_loss(loss) for loss in record.losses),
        source=USAGE_SOURCES.get(record.usage_source, ""),
        price=_price(record),
    )


def _steps(record: UsageRecord) -> tuple[Step, ...]:
    """Attempts follow each other; the one that answered streams until the end."""
    whole = max(record.total_ms, 0.001)
    steps = []
    began = 0.0
    for number, raw in enumerate(record.attempts, 1):
        attempt = _attempt(raw)
        ended = min(began + attempt["ms"], whole)
        good = attempt["reason"] == "ok"
        start, end = round(began / whole * LINE), round(ended / whole * LINE)
        steps.append(
            Step(
                number=number,
                provider=attempt["provider"],
                model=attempt["model"],
                credential=attempt["credential"],
                status=attempt["status"],
                good=good,
                words=reason_words(attempt["reason"]),
                detail=attempt.get("detail", ""),
                ms=attempt["ms"],
                why=attempt.get("why", ""),
                start=start,
                length=max(end - start, THINNEST),
                answered=end if good else None,
                streaming=LINE - end if good else 0,
            )
        )
        began = ended
    return tuple(steps)


def _attempt(raw: Any) -> dict[str, Any]:
    """An attempt as it stands in the books: a list in the order of AttemptRecord, or named members."""
    if isinstance(raw, dict):
        return raw
    return dict(zip(AttemptRecord.__struct_fields__, raw, strict=False))


def _sentence(record: UsageRecord) -> str:
    failed = sum(_attempt(raw)["reason"] != "ok" for raw in record.attempts)
    if not record.attempts:
        return "It was not sent to any provider."
    if failed and record.outcome == "completed":
        tries = "the first attempt" if failed == 1 else f"the first {failed} attempts"
        return f"The client saw nothing of {tries}: no content had left yet."
    if record.outcome == "failed" and record.first_content_ms is not None:
        return "Content had already left, so nothing else could be tried."
    return ""


def _tokens(record: UsageRecord) -> tuple[Count, ...]:
    """The kinds that were there; input without its cached and cache-writing parts."""
    written = record.cache_write_5m_tokens + record.cache_write_1h_tokens
    fresh = record.input_tokens - record.cached_input_tokens - written
    kinds = (
        Count("input", max(0, fresh)),
        Count("cached input", record.cached_input_tokens),
        Count("written to the cache, 5 min", record.cache_write_5m_tokens),
        Count("written to the cache, 1 h", record.cache_write_1h_tokens),
        Count("output", record.output_tokens),
        Count("of the output, reasoning", record.reasoning_tokens),
    )
    return tuple(kind for kind in kinds if kind.number or kind.words in ("input", "output"))


def _price(record: UsageRecord) -> str:
    """Where the price came from, or why there is none."""
    if record.price_id:
        own = record.price_id.removeprefix("own ")
        return f"Price: your own for {own}." if own != record.price_id else f"Price: {own}."
    if record.cost_nano is None:
        return "No price was known, so no cost was counted."
    if record.attempts:
        return "Nothing was charged: no provider answered it."
    return "Nothing was sent to a provider, so it cost nothing."


def _loss(raw: Any) -> tuple[str, str]:
    """Path and reason, which the books keep as a pair or as named members."""
    if isinstance(raw, dict):
        return str(raw.get("path", "")), str(raw.get("reason", ""))
    path, reason = raw
    return str(path), str(reason)
