"""How a line looks: `json`, one object for machines, or `pretty`, for people; a thread asks for it.

Whatever a line holds, it stays one line: line breaks and control characters are escaped. Only the
traceback of a pretty line goes on below it, behind a bar that no line begins with.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from usage.transcripts.plain import in_one_line, one_line

MOST_CHARACTERS = 32_768
"""Of one text of a line."""
BAR = "    | "
RED, GREEN, YELLOW, GREY, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[90m", "\x1b[0m"
LEVEL_COLOURS = {"debug": GREY, "warning": YELLOW, "error": RED, "critical": RED}
OUTCOME_COLOURS = {"completed": GREEN, "failed": RED, "refused": YELLOW, "abandoned": YELLOW}
SHOWN_APART = {"time", "level", "event", "logger", "message", "exception", "exchange_id"}

_encoder = msgspec.json.Encoder(enc_hook=str)

Encode = Callable[[Mapping[str, Any]], bytes]


def cut(text: str) -> str:
    """The text, or its beginning and how much is left out."""
    left_out = len(text) - MOST_CHARACTERS
    return text if left_out <= 0 else f"{text[:MOST_CHARACTERS]}… ({left_out} more characters)"


def encoder(name: str, colour: bool) -> Encode:
    """The format of this name: `json` or `pretty`. One for each output."""
    return JsonFormat() if name == "json" else PrettyFormat(colour)


class Clock:
    """Moments as text, UTC; the seconds are remembered, for most lines share them."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._second = -1
        self._text = ""

    def text(self, moment: float) -> str:
        second = int(moment)
        if second != self._second:
            self._text = time.strftime(self._form, time.gmtime(second))
            self._second = second
        return f"{self._text}.{int((moment - second) * 1000):03d}Z"


class JsonFormat:
    """One JSON object, with the process that wrote it."""

    def __init__(self) -> None:
        self._clock = Clock("%Y-%m-%dT%H:%M:%S")
        self._pid = os.getpid()

    def __call__(self, line: Mapping[str, Any]) -> bytes:
        shown = {**line, "time": self._clock.text(line["time"]), "pid": self._pid}
        if shown.get("attempts"):
            shown["attempts"] = [msgspec.structs.asdict(each) for each in shown["attempts"]]
        try:
            data = _encoder.encode(shown)
        except Exception:  # noqa: BLE001 — no line is worth the thread; what it was is still said
            data = _encoder.encode({one_line(name): one_line(str(shown[name])) for name in shown})
        return in_one_line(data) + b"\n"


class PrettyFormat:
    """One line to read; in colours on a terminal."""

    def __init__(self, colour: bool) -> None:
        self._clock = Clock("%Y-%m-%d %H:%M:%S")
        self._colour = colour

    def __call__(self, line: Mapping[str, Any]) -> bytes:
        text = " ".join(
            (
                self._clock.text(line["time"]),
                str(line["level"]).upper().ljust(7),
                one_line(_said(line)),
            )
        )
        colour = self._colour_of(line)
        if colour:
            text = f"{colour}{text}{PLAIN}"
        for told in str(line.get("exception", "")).splitlines():
            text += f"\n{BAR}{one_line(told)}"
        return text.encode() + b"\n"

    def _colour_of(self, line: Mapping[str, Any]) -> str:
        if not self._colour:
            return ""
        if line["event"] == "request":
            return OUTCOME_COLOURS.get(line["outcome"], "")
        return LEVEL_COLOURS.get(line["level"], "")


def _said(line: Mapping[str, Any]) -> str:
    event, identifier = line["event"], line.get("exchange_id", "")
    if event == "request":
        return f"request {_request(line)} {identifier}"
    if event == "log":
        said = f"{line.get('logger', '')} {line.get('message', '')}"
    else:
        rest = (f"{name}={value}" for name, value in line.items() if name not in SHOWN_APART)
        said = " ".join((event, *rest))
    return f"{said} {identifier}" if identifier else said


def _request(line: Mapping[str, Any]) -> str:
    """How it ended, whose it was, where it went, what it took."""
    tries, first = len(line["attempts"]), line["first_content_ms"]
    where = f" > {line['provider']}/{line['request_model']}" if line["provider"] else ""
    again = f" after {tries} attempts" if tries > 1 else ""
    soon = "" if first is None else f" ({first:.0f} ms to content)"
    return (
        f"{line['status']} {line['outcome']} {line['reason']}{again} {line['client_key']} "
        f"{line['model']}{where} {line['input_tokens']}+{line['output_tokens']} tokens "
        f"{line['total_ms']:.0f} ms{soon}"
    )
