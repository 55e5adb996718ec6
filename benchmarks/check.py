"""Says whether an answer is whole and right. Pure: bytes in, a sentence out."""

from __future__ import annotations

import re

from benchmarks import answers

HEAD_END = b"\r\n\r\n"
LONGEST_EXCERPT = 160
TERMINALS = {"/v1/chat/completions": b"data: [DONE]", "/v1/messages": b"message_stop"}
WHOLE_TEXTS = frozenset(map(answers.whole_text, range(answers.VARIETY)))
_text = re.compile(rb'"(?:content|text)": ?"([^"]*)"')


def decoded(answer: bytes) -> tuple[int, bytes]:
    """(status, body with the chunked coding undone)."""
    head, _, body = answer.partition(HEAD_END)
    status = int(head[9:12])
    return status, _joined(body) if b"chunked" in head.lower() else body


def _joined(body: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while True:
        line_end = body.index(b"\r\n", at)
        size = int(body[at:line_end], 16)
        if not size:
            return b"".join(parts)
        start = line_end + 2
        parts.append(body[start : start + size])
        at = start + size + 2


def problem_of(status: int, body: bytes, model: str, path: str) -> str:
    """What is wrong with an answer, or ""."""
    if status != 200:
        return f"{status} {body[:LONGEST_EXCERPT].decode(errors='replace')}"
    shape = answers.SHAPES.get(model)
    if shape is None:
        right = not WHOLE_TEXTS.isdisjoint(_text.findall(body))
        return "" if right else "the text is not what the provider sent"
    came = _words(body) if model in answers.IN_WORDS else _numbers(body)
    if came != list(range(shape.chunks)) and came not in answers.SAID:
        return f"{len(came)} of {shape.chunks} chunks came, or out of order"
    if TERMINALS[path] not in body[-200:]:
        return "the stream has no end mark"
    return ""


def _numbers(body: bytes) -> list[int]:
    return [int(number) for number, _ in answers.MARK.findall(body)]


def _words(body: bytes) -> list[bytes]:
    return [piece.partition(b'"')[0] for piece in body.split(b'"delta":{"content":"')[1:]]
