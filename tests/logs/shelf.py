"""A log in a directory of the test's own, and a reader of all that is in it, compressed files included."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proxyproject.log_outputs import Options, Outputs
from proxyproject.log_segments import Limits, Segments

PATIENCE = 10.0
WRITE_SECONDS = 1.0
MANY = Limits(kept=10_000, days=0, compress=True)


def segments(directory: Path, limits: Limits = MANY) -> Segments:
    return Segments(directory / "patchbay.log", limits)


def options(directory: Path, **changed: Any) -> Options:
    """A log file alone, flushed fast; standard output is off."""
    usual = Options(
        level="off",
        format="json",
        file_level="info",
        file_format="json",
        directory=directory,
        file_name="patchbay.log",
        max_bytes=0,
        backup_count=10_000,
        max_age_days=0,
        compress=True,
        min_free_mb=0,
        on_unhealthy="warn",
        queue_size=10_000,
        flush_seconds=0.01,
    )
    return usual._replace(**changed)


def outputs(directory: Path, **changed: Any) -> Outputs:
    return Outputs(options(directory, **changed))


def line(number: int, **more: Any) -> dict[str, Any]:
    return {"time": time.time(), "level": "info", "event": "test", "number": number, **more}


def files(directory: Path) -> list[Path]:
    """The files of the log, oldest first; the one that is written last.

    A process that ended while it compressed leaves a file that is not whole, or one beside its source.
    """
    current = directory / "patchbay.log"
    rotated = {path.name[:33]: path for path in sorted(directory.glob("patchbay-*.log"))}
    rotated.update({path.name[:33]: path for path in directory.glob("patchbay-*.log.gz")})
    return [
        *(rotated[moment] for moment in sorted(rotated)),
        *([current] if current.exists() else []),
    ]


def text_of(path: Path) -> bytes:
    """Of a write that is under way one sees what is there so far: its end is waited for."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    until = time.monotonic() + WRITE_SECONDS
    while True:
        data = path.read_bytes()
        if data.endswith(b"\n") or not data or time.monotonic() >= until:
            return data
        time.sleep(0.005)


def lines(directory: Path) -> list[dict[str, Any]]:
    """Every line of every file, in order. Fails at one that is torn."""
    return [
        json.loads(text) for path in files(directory) for text in text_of(path).splitlines(True)
    ]


def numbers(directory: Path) -> list[int]:
    return [found["number"] for found in lines(directory) if found["event"] == "test"]


def gaps(directory: Path) -> list[dict[str, Any]]:
    return [found for found in lines(directory) if found["event"] == "log_gap"]


def wait_until(true: Callable[[], object], what: str = "it") -> float:
    """Seconds until it was so."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() < began + PATIENCE, f"{what} did not happen"
        time.sleep(0.005)
    return time.monotonic() - began
