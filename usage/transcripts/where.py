"""Which transcripts are meant: by key, model, session, end, and what was said. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from usage.transcripts.seal import Closed
from usage.transcripts.stored import Line

_plain = re.compile(r"[a-z0-9 _.,:;-]+")


def status_problem(text: str) -> str | None:
    """Why no transcript has such a status; None if one may have. It is 0 where nothing was answered."""
    if re.fullmatch("0|[1-5](?:[0-9]{2}|[xX]{2})", text):
        return None
    return f"{text!r} is no status. Write a number such as 502, or a class such as 5xx."


def model_problem(text: str) -> str | None:
    """Why no transcript has such a model: names are compared whole."""
    if "*" in text or "?" in text:
        return f"{text!r} is a pattern. Write the whole name of one model."
    return None


class Where(NamedTuple):
    """What a transcript must be; an empty member asks nothing.

    `model` is any of an exchange's three. `status` is a number or a class such as `5xx`. `end` is an
    outcome or a reason. `text` is said somewhere in request or answer, in letters of either size.
    """

    key: str = ""
    model: str = ""
    status: str = ""
    end: str = ""
    session: str = ""
    text: str = ""

    def takes(self, line: Line) -> bool:
        """Raises Closed where the text cannot be looked for."""
        head = line.head
        return (
            (not self.key or head.client_key == self.key)
            and (not self.session or head.session == self.session)
            and (not self.end or self.end in (head.outcome, head.reason))
            and (not self.model or self._is_model(line))
            and (not self.status or _is_status(self.status, head.status))
            and (not self.text or says(line, self.text))
        )

    def _is_model(self, line: Line) -> bool:
        head = line.head
        return self.model in (head.model, head.request_model, head.response_model)


def _is_status(wanted: str, status: int) -> bool:
    text, wanted = str(status), wanted.lower()
    return text == wanted or (wanted.endswith("xx") and len(text) == 3 and text[0] == wanted[0])


def says(line: Line, text: str) -> bool:
    """Whether the text stands in what was said; the names of JSON members are not said. Raises Closed."""
    wanted = text.lower()
    bodies = line.head.bodies()
    if bodies.closed:
        raise Closed(bodies.closed)
    return any(
        wanted in said.lower()
        for name in ("request", "response")
        if _may_say(bytes(getattr(bodies, name)), wanted)
        for said in texts(bodies.read(name))
    )


def _may_say(data: bytes, wanted: str) -> bool:
    """Rule most lines out without parsing them: what JSON never escapes must stand there as it is."""
    longest = max(_plain.findall(wanted), key=len, default="")
    return not longest or longest.encode() in data.lower() or b"\\u" in data


def texts(value: Any) -> Iterator[str]:
    """Every string of a JSON value."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
