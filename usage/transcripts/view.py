"""What a page shows of transcripts: turns of parts, long texts cut, what was hidden marked. Pure.

Everything is plain text for a template that escapes it: nothing here is ever markup.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from usage.transcripts.conversation import Step
from usage.transcripts.images import images
from usage.transcripts.plain import one_line, shown
from usage.transcripts.render import cut, pretty
from usage.transcripts.said import said
from usage.transcripts.stored import Head, Line
from usage.transcripts.turns import Part, Said, Turn

SHOWN, SHOWN_SYSTEM = 2_000, 600
"""Characters that stand there at once. Of system texts agents send pages, the same each time."""
LEAST_LEFT = 400
"""Fewer are not worth a cut."""
MOST_FOLDED = 200_000
MOST_OF_PAGE = 4_000_000
MOST_IMAGES = 16 * 2**20
"""What a browser still opens at once: characters of one text, of all texts, and of all images."""
LOOK_BACK = 200
PREVIEW = 70

ROLES = {
    "system": "System",
    "user": "User",
    "assistant": "Assistant",
    "tool": "Tool",
    "error": "Error",
    "left_out": "Left out",
    "request": "Request, not read any further",
    "response": "Answer, not read any further",
}
_marks = re.compile(r"<([A-Z][A-Z0-9_]{0,29})_([0-9]{1,9})>|\[hidden\]")
"""As they are written in place of what is hidden."""


class Piece(NamedTuple):
    """A piece of a text; `hidden` says what was in its place, in words."""

    text: str
    hidden: str = ""


class Text(NamedTuple):
    """A text: what is seen at once, what unfolds, and how many characters each of the others has."""

    first: list[Piece]
    folded: list[Piece]
    more: int = 0
    missing: int = 0


class ShownPart(NamedTuple):
    kind: str
    title: str
    preview: str
    text: Text
    images: list[str]
    failed: bool


class ShownTurn(NamedTuple):
    role: str
    title: str
    parts: list[ShownPart]


class ShownExchange(NamedTuple):
    """One exchange. `notes` are (tone, sentence): what a reader must know of how whole this is."""

    head: Head
    turns: list[ShownTurn]
    notes: list[tuple[str, str]]
    tools: list[str]
    hidden: list[tuple[str, int]]
    has_bodies: bool


class View:
    """Makes what one page shows; the bounds are those of the page."""

    def __init__(self) -> None:
        self._characters = MOST_OF_PAGE
        self._images = MOST_IMAGES

    def exchange(self, line: Line) -> ShownExchange:
        """All that was said in an exchange."""
        found = said(line)
        return self._exchange(line, found, [*found.asked, *found.answered], [])

    def step(self, step: Step) -> ShownExchange:
        """What an exchange added to its conversation."""
        branch = f"This goes on from {step.after}, and not from what stands above."
        notes = [("note", branch)] if step.branches else []
        return self._exchange(step.line, step.said, [*step.asked, *step.said.answered], notes)

    def _exchange(
        self, line: Line, found: Said, turns: list[Turn], notes: list[tuple[str, str]]
    ) -> ShownExchange:
        head = line.head
        pictures = images(line, found)
        kinds = frozenset(head.redacted)
        return ShownExchange(
            head,
            [self._turn(turn, pictures, kinds) for turn in turns],
            [*notes, *_notes(head, found)],
            [one_line(name) for name in found.tools],
            [(_kind(kind), number) for kind, number in sorted(head.redacted.items())],
            head.has_bodies,
        )

    def _turn(self, turn: Turn, pictures: dict[int, list[str]], kinds: frozenset[str]) -> ShownTurn:
        limit = SHOWN_SYSTEM if turn.role == "system" else SHOWN
        parts = [self._part(part, pictures.get(id(part), []), kinds, limit) for part in turn.parts]
        role = "tool" if all(part.kind == "result" for part in turn.parts) else turn.role
        return ShownTurn(role, ROLES.get(role, cut(role, PREVIEW)), parts)

    def _part(
        self, part: Part, pictures: list[str], kinds: frozenset[str], limit: int
    ) -> ShownPart:
        folds = part.kind in ("thinking", "call", "result", "other")
        return ShownPart(
            part.kind,
            cut(part.name, PREVIEW) or part.kind,
            cut(part.text[: 10 * PREVIEW].strip(), PREVIEW) if folds else "",
            self._text(shown(pretty(part)), kinds, limit),
            [url for url in pictures if self._has_room(url)],
            part.failed,
        )

    def _has_room(self, url: str) -> bool:
        self._images -= len(url)
        return self._images >= 0

    def _text(self, text: str, kinds: frozenset[str], limit: int) -> Text:
        end = _end(text, min(limit, self._characters))
        left = len(text) - end
        folded = min(left, MOST_FOLDED, max(0, self._characters - end))
        self._characters -= end + folded
        first, rest = text[:end], text[end : end + folded]
        return Text(_pieces(first, kinds), _pieces(rest, kinds), folded, left - folded)


def _end(text: str, limit: int) -> int:
    """Where a text is cut: between words, and so never within a mark."""
    if len(text) <= limit + LEAST_LEFT:
        return len(text)
    spaces = (text.rfind(space, max(0, limit - LOOK_BACK), limit) for space in " \n")
    return max(spaces) + 1 or limit


def _pieces(text: str, kinds: frozenset[str]) -> list[Piece]:
    """A text with what was hidden in it. Words that only look like it are left as they are."""
    if not kinds:
        return [Piece(text)] if text else []
    pieces, at = [], 0
    for match in _marks.finditer(text):
        kind = match[1] or "SECRET"
        if kind in kinds:
            words = f"{_kind(kind)} {match[2] or ''}".rstrip()
            pieces += [Piece(text[at : match.start()]), Piece(match[0], words)]
            at = match.end()
    return [piece for piece in (*pieces, Piece(text[at:])) if piece.text]


def _kind(kind: str) -> str:
    """A kind of what is hidden as people call it."""
    words = kind.replace("_", " ").lower()
    return {"ip": "IP address", "iban": "IBAN", "email": "e-mail"}.get(words, words)


def _notes(head: Head, found: Said) -> list[tuple[str, str]]:
    told = []
    bodies = head.bodies()
    if bodies.closed:
        told.append(("bad", bodies.closed))
    elif head.unredactable:
        told.append(
            (
                "bad",
                "What was said was not kept: personal data and secrets could not be taken out of it.",
            )
        )
    elif not head.has_bodies and head.level == "metadata":
        told.append(("neutral", "Only metadata was kept: nothing of what was said."))
    elif not found.answered:
        told.append(("careful", "There was no answer."))
    if head.partial:
        told.append(("careful", "The answer is partial: it ended before it was whole."))
    for name, size in head.truncated.items():
        if size:
            what = BODY_WORDS.get(name, name.replace("_", " "))
            told.append(
                (
                    "careful",
                    f"Of {what}, {size:,} bytes were left out: it is longer than what is kept of one.",
                )
            )
    if bodies.read("upstream_request") is not None:
        told.append(("neutral", "The provider was sent another request: it is in the raw JSON."))
    return told


BODY_WORDS = {
    "request": "the request",
    "upstream_request": "the request that the provider was sent",
    "response": "the answer",
}
