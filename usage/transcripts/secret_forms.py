"""The ways in which a known secret may be written in a text, and a quick look for all of them. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

GRAM = 8
LONG = 24
"""Forms of this length with a run in them are looked for in runs, all at once; others one by one."""
RUN = 20
"""So many letters, digits, `_`, `-`, `+` and `/` without anything between them are a run."""
STEP = RUN - GRAM + 1
"""Whatever run a form has, one sample of the text is within it if they are no further apart."""

_RUN = b"a" * RUN
_AS_RUNS = bytes(
    ord("a") if byte < 128 and (chr(byte).isalnum() or chr(byte) in "_-+/") else ord(" ")
    for byte in range(256)
)
_run = re.compile(rf"[A-Za-z0-9_\-+/]{{{RUN},}}")
_percent = re.compile(r"%[0-9A-F]{2}")


def forms_of(value: str) -> set[str]:
    """The value as it is, and as URLs, JSON, JSON within JSON and base64 have it."""
    forms = {value}
    for percent in (quote(value, safe=""), quote(value), quote_plus(value)):
        forms |= {percent, _percent.sub(lambda code: code[0].lower(), percent)}
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        twice = json.dumps(once, ensure_ascii=ascii_only)[1:-1]
        forms |= {once, once.replace("/", "\\/"), twice}
    data = value.encode("utf-8", "surrogatepass")
    for offset in range(3):
        standard = base64_core(data, offset)
        forms |= {standard, standard.replace("+", "-").replace("/", "_")}
    return {form for form in forms if len(form) >= GRAM}


def base64_core(data: bytes, offset: int) -> str:
    """What base64 makes of the data whatever surrounds it, if it begins at this byte of three."""
    encoded = base64.b64encode(bytes(offset) + data).decode()
    return encoded[(offset * 8 + 5) // 6 : (offset + len(data)) * 8 // 6]


def runs_of(text: bytes, low: int) -> list[tuple[int, int]]:
    """Where runs are, from `low` on, in a text of one byte for each character.

    Most texts have few, so what is looked for in them costs little.
    """
    marks = text.translate(_AS_RUNS)
    found = []
    start = marks.find(_RUN, low)
    while start >= 0:
        end = marks.find(b" ", start)
        end = len(marks) if end < 0 else end
        found.append((start, end))
        start = marks.find(_RUN, end)
    return found


class Forms:
    """All forms of all known values. Never changed: a larger one takes its place."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = frozenset(values)
        self.count = len(known)
        forms = {form for value in known for form in forms_of(value)}
        long = {form for form in forms if len(form) >= LONG and _run.search(form)}
        self._short = tuple(forms - long)
        self.longest = max(map(len, forms), default=0)
        self._grams: dict[str, list[str]] = {}
        for form in long:
            for run in _run.findall(form):
                for place in range(len(run) - GRAM + 1):
                    self._grams.setdefault(run[place : place + GRAM], []).append(form)

    def find(self, text: str, low: int, high: int, runs: str) -> Iterator[tuple[int, int]]:
        """Each place that begins from `low` to before `high`; overlapping ones, too. `runs` are all that
        are in the text, whatever is between them."""
        for form in self._short:
            if form in text:
                yield from _places(form, text, low, high)
        if not self._grams:
            return
        samples = [runs[place : place + GRAM] for place in range(0, len(runs), STEP)]
        if not self._grams.keys().isdisjoint(samples):
            for form in {form for gram in samples for form in self._grams.get(gram, ())}:
                yield from _places(form, text, low, high)


def _places(form: str, text: str, low: int, high: int) -> Iterator[tuple[int, int]]:
    place = text.find(form, low)
    while 0 <= place < high:
        yield place, place + len(form)
        place = text.find(form, place + 1)
