"""The one place where process logging is configured, and where secrets are kept out of it."""

from __future__ import annotations

import atexit
import logging.config
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from proxyproject.log_formats import cut
from proxyproject.log_outputs import Options, Outputs
from routing.in_hand import marks
from usage.transcripts.secrets import SecretFilter

FOREIGN_HOST_SECONDS = 60.0

logger = logging.getLogger(__name__)

known_secrets = SecretFilter()
"""What no log of this process may show; logging is one for a process, and so is this."""


def hide(text: str) -> str:
    """The text without what is secret. All that is logged comes by here before it waits anywhere."""
    return known_secrets.hide(text)


class DiscreetRecord(logging.LogRecord):
    """A record of any logger, for any handler: servers log addresses, and `?key=` stands in them."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if isinstance(self.args, tuple):  # uvicorn's handler writes these instead of the message
            self.args = tuple(
                hide(value) if isinstance(value, str) else value for value in self.args
            )
        if self.exc_info and self.exc_info[0] is not None:
            # formatters take this instead of making their own
            self.exc_text = hide("".join(traceback.format_exception(*self.exc_info)).rstrip("\n"))
        if self.stack_info:
            self.stack_info = hide(self.stack_info)

    def getMessage(self) -> str:
        try:
            return hide(super().getMessage())
        except Exception:  # noqa: BLE001 — a slip in a log call is no reason to fail what was going on
            said = self.msg if isinstance(self.msg, str) else type(self.msg).__name__
            return hide(f"{said} (its arguments do not fit)")


class OutputsHandler(logging.Handler):
    """Brings records of all loggers to the outputs."""

    def __init__(self, outputs: Outputs) -> None:
        super().__init__()
        self.outputs = outputs

    def createLock(self) -> None:
        """None is needed: whoever puts a line into an output holds back nobody."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        line = {
            "time": record.created,
            "level": record.levelname.lower(),
            "event": "log",
            "logger": record.name,
            "message": cut(record.getMessage()),
        }
        line.update((name, mark) for name, mark in marks.get()._asdict().items() if mark)
        told = "\n".join(text for text in (record.exc_text, record.stack_info) if text)
        if told:
            line["exception"] = cut(told)
        self.outputs.put(record.levelno, line)


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


class ProcessLog:
    """What a worker needs of this process's log; see routing.log_lines.Log."""

    def __init__(self, outputs: Outputs) -> None:
        self.write = outputs.write
        self.state = outputs.state

    def hide_again(self, text: str) -> str:
        return known_secrets.hide_again(text)

    def known(self, secrets: Iterable[str]) -> None:
        known_secrets.known(secrets)


def outputs() -> Outputs:
    """This process's own. Raises LookupError before logging is configured.

    Logging itself keeps its handlers for the whole process, so nothing else has to.
    """
    for handler in logging.getLogger().handlers:
        if isinstance(handler, OutputsHandler):
            return handler.outputs
    raise LookupError("logging is not configured")


def flush_before_end(number: int, frame: FrameType | None) -> None:
    """A signal handler: what was said is written, then the process ends as if it had none."""
    with suppress(LookupError):
        outputs().stop()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def tell_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """For sys.excepthook: the usual traceback, without what is secret."""
    sys.stderr.write(hide("".join(traceback.format_exception(kind, error, trace))))


def log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    """For threading.excepthook."""
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread is not None else "unknown"
        logger.error("The thread %s ended with an error.", name, exc_info=args.exc_value)


def log_unraisable(args: sys.UnraisableHookArgs) -> None:
    """For sys.unraisablehook: errors where nobody can catch them, as in `__del__`."""
    said = args.err_msg or "Exception ignored in"
    logger.error("%s: %r", said, args.object, exc_info=args.exc_value)


def _catch_what_nobody_catches() -> None:
    """Python writes these to standard error as they are. Hooks that somebody else has set stay."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = tell_uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = log_uncaught_in_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = log_unraisable
    logging.captureWarnings(True)


def configure(settings: Mapping[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook; `settings` is LOGGING, the fields of Options."""
    made = Outputs(Options(**settings))
    logging.setLogRecordFactory(DiscreetRecord)
    _make_daphne_discreet()
    _catch_what_nobody_catches()
    with suppress(LookupError):
        outputs().stop()
    atexit.register(made.stop)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"now and then": {"()": NowAndThen, "seconds": FOREIGN_HOST_SECONDS}},
            "handlers": {"outputs": {"()": OutputsHandler, "outputs": made}},
            "root": {"handlers": ["outputs"], "level": made.level},
            "loggers": {
                "asyncio": {"level": "WARNING"},
                "httpx": {"level": "WARNING"},
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
        super().write_entry(host, date, hide(request), *args, **more)  # type: ignore[misc]
