"""Show transcripts to people, as text for a terminal. Pure.

Whatever strangers said is escaped on its way out: see `plain`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from usage.figures import duration, exact_money
from usage.transcripts.conversation import Step
from usage.transcripts.cut_marks import is_gap
from usage.transcripts.plain import one_line, shown
from usage.transcripts.said import said
from usage.transcripts.stored import Head, Line
from usage.transcripts.turns import Part, Said, Turn

MOST_TOOLS = 12
LONGEST_PREVIEW = 60
RULE = "─" * 78
ONLY_METADATA = "Only metadata was kept: nothing of what was said."
UNREDACTABLE = "What was said was not kept: what is to be hidden in it could not be found."
NO_ANSWER = "There was no answer."


def when(moment: float) -> str:
    """A time to the second, in UTC."""
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return str(moment)


def facts(head: Head, found: Said) -> Iterator[tuple[str, str]]:
    """What is known of an exchange beside what was said, as (name, words) for one line each."""
    model = head.model
    if head.request_model not in ("", head.model):
        model += f", asked as {head.request_model}"
    if head.response_model not in ("", head.model, head.request_model):
        model += f", answered by {head.response_model}"
    owners = [("team", head.team), ("owner", head.owner), ("end user", head.end_user)]
    said_by = [f"{name} {value}" for name, value in owners if value]
    served = ", ".join(word for word in (head.provider, head.rule and f"rule {head.rule}") if word)
    formats = " to ".join(
        dict.fromkeys(word for word in (head.client_format, head.upstream_format) if word)
    )
    times = [duration(head.total_ms)]
    if head.first_content_ms is not None:
        times.append(f"first content after {duration(head.first_content_ms)}")
    yield from _told(
        ("Exchange", head.exchange_id),
        ("Began", f"{when(head.time)} UTC"),
        ("Key", ", ".join([head.client_key, *said_by])),
        ("Model", model),
        ("Provider", served),
        ("Format", f"{formats}, {'streamed' if head.stream else 'whole'}" if formats else ""),
        ("End", f"{head.outcome} ({head.reason}), status {head.status}"),
        ("Stopped", found.stop),
        ("Time", ", ".join(times)),
        ("Tokens", tokens(head)),
        ("Cost", exact_money(head.cost_nano)),
        ("Session", head.session),
        ("Client's id", head.client_request_id),
        ("Trace", head.trace_id),
        ("Tools", _tools(found.tools)),
    )
    for number, attempt in enumerate(head.attempts, 1):
        yield f"Attempt {number}", one_line(_attempt(attempt))
    hidden = ", ".join(f"{number} {kind}" for kind, number in sorted(head.redacted.items()))
    yield from _told(("Hidden", hidden))


def _told(*told: tuple[str, str]) -> Iterator[tuple[str, str]]:
    return ((name, one_line(words)) for name, words in told if words)


def tokens(head: Head) -> str:
    names = {name: number for name, number in head.tokens.items() if number}
    parts = [
        f"{names.pop(side, 0):,} {word}" for side, word in (("input", "in"), ("output", "out"))
    ]
    parts += [f"{number:,} {name.replace('_', ' ')}" for name, number in names.items()]
    return ", ".join(parts) if head.tokens else ""


def _tools(names: list[str]) -> str:
    more = len(names) - MOST_TOOLS
    return ", ".join(names[:MOST_TOOLS]) + (f" and {more} more" if more > 0 else "")


def _attempt(attempt: dict[str, Any]) -> str:
    where = "/".join(str(attempt[name]) for name in ("provider", "model") if attempt.get(name))
    words = [where, str(attempt.get("reason", ""))]
    if attempt.get("status"):
        words.append(f"status {attempt['status']}")
    if isinstance(attempt.get("ms"), int | float):
        words.append(duration(attempt["ms"]))
    words.append(str(attempt.get("detail", "")))
    return ", ".join(word for word in words if word)


def marks(head: Head, found: Said) -> list[str]:
    """What a reader must know of how whole this is."""
    told = []
    bodies = head.bodies()
    if bodies.closed:
        told.append(bodies.closed)
    elif head.unredactable:
        told.append(UNREDACTABLE)
    elif not head.has_bodies and head.level == "metadata":
        told.append(ONLY_METADATA)
    elif not found.answered:
        told.append(NO_ANSWER)
    if head.partial:
        told.append("The answer is partial: it ended before it was whole.")
    for name, size in head.truncated.items():
        if size:
            told.append(f"Of the {name.replace('_', ' ')}, {size:,} bytes were left out.")
    if bodies.read("upstream_request") is not None:
        told.append("The provider was sent another request; `--json` shows it.")
    return told


def as_text(line: Line) -> Iterator[str]:
    """One exchange for a terminal, line by line."""
    found = said(line)
    known = list(facts(line.head, found))
    width = max(len(name) for name, _ in known)
    yield from (f"{name:<{width}}  {words}" for name, words in known)
    for mark in marks(line.head, found):
        yield f"! {mark}"
    for turn in (*found.asked, *found.answered):
        yield from _turn_text(turn)


def news_as_text(line: Line) -> Iterator[str]:
    """One exchange for who watches them go by: what is new since the answer before."""
    found = said(line)
    answers = [number for number, turn in enumerate(found.asked) if turn.role == "assistant"]
    begin = answers[-1] + 1 if answers else 0
    yield RULE
    yield one_line(title(line.head))
    yield from (f"! {mark}" for mark in marks(line.head, found))
    if begin:
        yield f"  {begin} earlier messages: show {line.head.exchange_id}"
    for turn in (*found.asked[begin:], *found.answered):
        yield from _turn_text(turn)
    yield ""


def step_as_text(step: Step) -> Iterator[str]:
    """What an exchange added to its conversation."""
    yield RULE
    yield one_line(title(step.line.head))
    yield from (f"! {note}" for note in notes(step))
    for turn in (*step.asked, *step.said.answered):
        yield from _turn_text(turn)
    yield ""


def title(head: Head) -> str:
    """An exchange in one line."""
    words = [when(head.time), head.exchange_id, head.client_key, head.model]
    if (head.outcome, head.reason) != ("completed", "ok"):
        words.append(f"{head.outcome} ({head.reason})")
    return "  ".join(word for word in words if word)


def notes(step: Step) -> list[str]:
    """What a reader must know of a step."""
    branch = [f"This goes on from {step.after}, and not from what stands above."]
    return [*(branch if step.branches else []), *marks(step.line.head, step.said)]


def _turn_text(turn: Turn) -> Iterator[str]:
    yield ""
    if not is_left_out(turn):
        yield f"── {one_line(turn.role)}"
    for part in turn.parts:
        yield from _part_text(part)


def is_left_out(turn: Turn) -> bool:
    """Whether it stands for messages that were left out."""
    return len(turn.parts) == 1 and is_gap(turn.role, turn.parts[0].text)


def _part_text(part: Part) -> Iterator[str]:
    if part.kind == "text":
        yield from shown(part.text).split("\n")
    elif part.kind == "media":
        yield f"[{one_line(part.text)}]"
    else:
        yield label(part)
        yield from ("    " + line for line in shown(pretty(part)).split("\n"))


def label(part: Part) -> str:
    match part.kind:
        case "thinking":
            return "(thinking)"
        case "call":
            return f"→ {one_line(part.name)}  {one_line(part.call_id)}".rstrip()
        case "result":
            what = "← error" if part.failed else "← result"
            words = [what, one_line(part.name), one_line(part.call_id)]
            return "  ".join(word for word in words if word)
        case _:
            return f"({one_line(part.name)})"


def pretty(part: Part) -> str:
    """Arguments that are JSON, on lines of their own; those a model broke, as they are."""
    if part.kind not in ("call", "other"):
        return part.text
    try:
        return msgspec.json.format(part.text, indent=2)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return part.text


def step_as_json(step: Step) -> dict[str, Any]:
    """What an exchange added to its conversation, for programs."""
    closed = step.line.head.bodies().closed
    return {
        "exchange_id": step.line.head.exchange_id,
        "time": step.line.head.time,
        "after": step.after or None,
        "partial": step.line.head.partial,
        **({"closed": closed} if closed else {}),
        "messages": [_turn_json(turn) for turn in (*step.asked, *step.said.answered)],
    }


def _turn_json(turn: Turn) -> dict[str, Any]:
    return {
        "role": turn.role,
        "parts": [
            {name: value for name, value in part._asdict().items() if value} for part in turn.parts
        ],
    }


def preview(found: Said) -> str:
    """The last thing that a user said, in a few words."""
    for turn in reversed(found.asked):
        if turn.role in ("user", "request"):
            words = " ".join(part.text for part in turn.parts if part.kind == "text")
            if words.strip():
                return cut(" ".join(words[:1000].split()), LONGEST_PREVIEW)
    return ""


def cut(text: str, length: int) -> str:
    """The text on one line, and no longer than this."""
    text = one_line(text)
    return text if len(text) <= length else text[: length - 1] + "…"
