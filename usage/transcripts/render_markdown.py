"""Show transcripts as Markdown. Pure.

What was said keeps its own Markdown, but can make neither tags nor headings among ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from usage.transcripts.conversation import Step
from usage.transcripts.plain import one_line, shown
from usage.transcripts.render import facts, is_left_out, label, marks, notes, pretty, title
from usage.transcripts.said import said
from usage.transcripts.stored import Line
from usage.transcripts.turns import Part, Turn

_tag = re.compile(r"<(?=[a-zA-Z/!?])")
_fence = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def as_markdown(line: Line) -> Iterator[str]:
    """One exchange as a section."""
    found = said(line)
    yield f"## {_words(title(line.head))}"
    yield ""
    for name, words in facts(line.head, found):
        yield f"- {name}: {_words(words)}"
    yield ""
    yield from _marks_markdown(marks(line.head, found))
    for turn in (*found.asked, *found.answered):
        yield from _turn_markdown(turn)


def step_as_markdown(step: Step) -> Iterator[str]:
    """What an exchange added to its conversation, as a section."""
    yield f"## {_words(title(step.line.head))}"
    yield ""
    yield from _marks_markdown(notes(step))
    for turn in (*step.asked, *step.said.answered):
        yield from _turn_markdown(turn)


def _marks_markdown(told: Iterable[str]) -> Iterator[str]:
    for mark in told:
        yield f"*{mark}*"
        yield ""


def _turn_markdown(turn: Turn) -> Iterator[str]:
    """What was said stands in a quotation, where its own headings cannot be taken for ours."""
    if is_left_out(turn):
        yield from _marks_markdown(part.text for part in turn.parts)
        return
    yield f"### {_words(turn.role)}"
    yield ""
    for part in turn.parts:
        lines = _part_markdown(part)
        yield from (f"> {line}".rstrip() for line in lines)
        yield ""


def _part_markdown(part: Part) -> Iterator[str]:
    if part.kind == "text":
        yield from _without_html(shown(part.text))
    elif part.kind == "media":
        yield f"\\[{_words(part.text)}\\]"
    else:
        words = shown(pretty(part))
        longest = max((len(run) for run in re.findall("`+", words)), default=0)
        fence = "`" * max(3, longest + 1)
        yield f"**{_words(label(part))}**"
        yield ""
        yield fence + ("json" if part.kind in ("call", "other") else "")
        yield from words.split("\n")
        yield fence


def _words(text: str) -> str:
    """In one line, with what Markdown would make something of as it was written."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", one_line(text))


def _without_html(text: str) -> Iterator[str]:
    """Markdown as it was said, in which no tag is one; in fenced code nothing is."""
    fence = ""
    for line in text.split("\n"):
        match = _fence.match(line)
        if not fence and match and not (match[1][0] == "`" and "`" in match[2]):
            fence = match[1]
            yield line
        elif fence:
            ends = match and match[1].startswith(fence) and not match[2].strip()
            fence = "" if ends else fence
            yield line
        else:
            yield _tag.sub("&lt;", line)
    if fence:
        yield fence
