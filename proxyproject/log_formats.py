"""How a line looks: `json`, one object for machines, or `pretty`, for people; a thread asks for it.

Whatever a line holds, it stays one line: line breaks and control characters are escaped. Only the
traceback of a pretty line goes on below it, behind a bar that no line begins with.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from routing.log_lines import Line, RequestFields, RequestLine, request_fields
from usage.record import Record
from usage.transcripts.plain import in_one_line, one_line

MOST_CHARACTERS = 32_768
"""Of one text of a line."""
BAR = "    | "
RED, GREEN, YELLOW, GREY, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[90m", "\x1b[0m"
LEVEL_COLOURS = {"debug": GREY, "warning": YELLOW, "error": RED, "critical": RED}
OUTCOME_COLOURS = {"completed": GREEN, "failed": RED, "refused": YELLOW, "abandoned": YELLOW}
SHOWN_APART = {"time", "level", "event", "logger", "message", "exception", "exchange_id"}

_encoder = msgspec.json.Encoder(enc_hook=str)


class Encode(Protocol):
    """Makes a line of what is said, with its end."""

    def __call__(self, line: Line) -> bytes: ...

    def all(self, lines: Sequence[Line]) -> list[bytes]:
        """The same of many, which is sooner done; raises where one of them cannot be encoded as it is."""
        ...


def cut(text: str) -> str:
    """The text, or its beginning and how much is left out."""
    left_out = len(text) - MOST_CHARACTERS
    return text if left_out <= 0 else f"{text[:MOST_CHARACTERS]}… ({left_out} more characters)"


def encoder(name: str, colour: bool) -> Encode:
    """The format of this name: `json` or `pretty`. One for each output."""
    return JsonFormat() if name == "json" else PrettyFormat(colour)


class Clock:
    """Moments as text, UTC; the last one is remembered, for under load many lines share it."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._second = self._millisecond = -1
        self._seconds = self._text = ""

    def text(self, moment: float) -> str:
        millisecond = int(moment * 1000)
        if millisecond != self._millisecond:
            second, rest = divmod(millisecond, 1000)
            if second != self._second:
                self._seconds = time.strftime(self._form, time.gmtime(second))
                self._second = second
            self._text = f"{self._seconds}.{rest:03d}Z"
            self._millisecond = millisecond
        return self._text


class JsonFormat:
    """One JSON object, with the process that wrote it."""

    def __init__(self) -> None:
        self._clock = Clock("%Y-%m-%dT%H:%M:%S")
        self._pid = os.getpid()

    def all(self, lines: Sequence[Line]) -> list[bytes]:
        encode = _encoder.encode
        return [in_one_line(encode(self._fields(line))) + b"\n" for line in lines]

    def _fields(self, line: Line) -> RequestFields | dict[str, Any]:
        if isinstance(line, RequestLine):
            return request_fields(line, self._clock.text(line.time), self._pid)
        return {**line, "time": self._clock.text(line["time"]), "pid": self._pid}

    def __call__(self, line: Line) -> bytes:
        fields = self._fields(line)
        try:
            data = _encoder.encode(fields)
        except Exception:  # noqa: BLE001 — no line is worth the thread; what it was is still said
            shown = fields if isinstance(fields, dict) else msgspec.structs.asdict(fields)
            data = _encoder.encode({one_line(name): one_line(str(shown[name])) for name in shown})
        return in_one_line(data) + b"\n"


class PrettyFormat:
    """One line to read; in colours on a terminal."""

    def __init__(self, colour: bool) -> None:
        self._clock = Clock("%Y-%m-%d %H:%M:%S")
        self._colour = colour

    def all(self, lines: Sequence[Line]) -> list[bytes]:
        return [self(line) for line in lines]

    def __call__(self, line: Line) -> bytes:
        if isinstance(line, RequestLine):
            record, moment = line.record, self._clock.text(line.time)
            colour = OUTCOME_COLOURS.get(record.outcome, "")
            return self._in_colour(f"{moment} INFO    {_request(record, line.exchange_id)}", colour)
        level = line["level"]
        text = f"{self._clock.text(line['time'])} {level.upper():7} {one_line(_said(line))}"
        below = "".join(
            f"\n{BAR}{one_line(told)}" for told in str(line.get("exception", "")).splitlines()
        )
        return self._in_colour(text, LEVEL_COLOURS.get(level, ""), below)

    def _in_colour(self, text: str, colour: str, below: str = "") -> bytes:
        if colour and self._colour:
            text = f"{colour}{text}{PLAIN}"
        return f"{text}{below}\n".encode()


def _said(line: dict[str, Any]) -> str:
    event, identifier = line["event"], line.get("exchange_id", "")
    if event == "log":
        said = f"{line.get('logger', '')} {line.get('message', '')}"
    else:
        rest = (f"{name}={value}" for name, value in line.items() if name not in SHOWN_APART)
        said = " ".join((event, *rest))
    return f"{said} {identifier}" if identifier else said


def _request(record: Record, exchange_id: str) -> str:
    """How it ended, whose it was, where it went, what it took."""
    tries, first = len(record.attempts), record.first_content_ms
    provider = record.provider_name
    where = f" > {provider}/{record.request_model}" if provider else ""
    again = f" after {tries} attempts" if tries > 1 else ""
    soon = "" if first is None else f" ({first:.0f} ms to content)"
    detail = record.attempts[-1].detail if tries and record.outcome != "completed" else ""
    why = f" {detail}" if detail else ""
    return one_line(
        f"request {record.status} {record.outcome} {record.reason}{again} {record.client_key_name} "
        f"{record.original_model}{where} {record.input_tokens}+{record.output_tokens} tokens "
        f"{record.total_ms:.0f} ms{soon}{why} {exchange_id}"
    )
