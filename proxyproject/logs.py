"""The one place where process logging is configured."""

from __future__ import annotations

import logging.config
from collections.abc import Mapping


def configure(settings: Mapping[str, str]) -> None:
    """Django's LOGGING_CONFIG hook; `settings` is LOGGING: {"level": …}. One line a record, on stdout."""
    level = settings["level"].upper()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
            "handlers": {
                "stdout": {
                    "class": "logging.StreamHandler",
                    "stream": "ext://sys.stdout",
                    "formatter": "plain",
                }
            },
            "root": {"handlers": ["stdout"], "level": level},
            "loggers": {
                "aiohttp": {"level": "WARNING"},
                "asyncio": {"level": "WARNING"},
                "daphne": {"level": "WARNING"},
            },
        }
    )
