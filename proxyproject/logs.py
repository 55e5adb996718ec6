"""The one place where process logging is configured, and where client keys are kept out of it."""

from __future__ import annotations

import logging.config
import re
import sys
from collections.abc import Mapping
from typing import Any

FOREIGN_HOST_SECONDS = 60.0
HIDDEN = "pbk_(hidden)"

_key = re.compile(r"pbk_[0-9A-Za-z]{8,}")


def without_keys(text: str) -> str:
    """The text with whatever is, or was to be, a client key taken out."""
    return _key.sub(HIDDEN, text) if "pbk_" in text else text


class DiscreetRecord(logging.LogRecord):
    """A record of any logger, for any handler: servers log addresses, and `?key=` stands in them."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if isinstance(self.args, tuple):  # uvicorn's handler writes these instead of the message
            self.args = tuple(
                without_keys(value) if isinstance(value, str) else value for value in self.args
            )

    def getMessage(self) -> str:
        return without_keys(super().getMessage())


class DiscreetFormatter(logging.Formatter):
    """What an exception says may hold an address too."""

    def format(self, record: logging.LogRecord) -> str:
        return without_keys(super().format(record))


class NowAndThen(logging.Filter):
    """One line of warning at a time, without a traceback: anybody can cause as many as he likes."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.created < self._next:
            return False
        self._next = record.created + self._seconds
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        return True


def configure(settings: Mapping[str, str]) -> None:
    """Django's LOGGING_CONFIG hook; `settings` is LOGGING: {"level": …}. One line a record, on stdout."""
    level = settings["level"].upper()
    logging.setLogRecordFactory(DiscreetRecord)
    _make_daphne_discreet()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "plain": {
                    "()": DiscreetFormatter,
                    "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
                }
            },
            "filters": {"now and then": {"()": NowAndThen, "seconds": FOREIGN_HOST_SECONDS}},
            "handlers": {
                "stdout": {
                    "class": "logging.StreamHandler",
                    "stream": "ext://sys.stdout",
                    "formatter": "plain",
                }
            },
            "root": {"handlers": ["stdout"], "level": level},
            "loggers": {
                "asyncio": {"level": "WARNING"},
                "daphne": {"level": "WARNING"},
                "django.security.DisallowedHost": {"filters": ["now and then"]},
            },
        }
    )


def _make_daphne_discreet() -> None:
    """The command `daphne` writes its access log past logging, to a stream of its own."""
    command: Any = sys.modules.get("daphne.cli")
    if command is not None:
        command.AccessLogGenerator = type("AccessLog", (_Discreet, command.AccessLogGenerator), {})


class _Discreet:
    """Laid over Daphne's access log."""

    def write_entry(self, host: str, date: Any, request: str, *args: Any, **more: Any) -> None:
        super().write_entry(host, date, without_keys(request), *args, **more)  # type: ignore[misc]
