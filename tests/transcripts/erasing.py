"""Erases somebody from transcript files, and says what lies there then."""

from __future__ import annotations

import gzip
from pathlib import Path

from tests.transcripts.lines import NOON, line
from usage.transcripts.erase import Eraser, Whose
from usage.transcripts.raw_lines import Damage

ADA = Whose("end_user", "ada")
MIXED = [line(NOON + at, end_user="ada" if at % 3 == 0 else f"bob-{at}") for at in range(30)]
OTHERS = [one for one in MIXED if one["end_user"] != "ada"]
OLDER = NOON + 3600


def erase(directory: Path, whose: Whose = ADA) -> dict[str, int]:
    """What was erased, by the name of the file."""
    touched: dict[str, int] = {}
    Eraser(directory, whose, lambda path, number: touched.update({path.name: number}), fail).erase(
        lambda done, whole: None
    )
    return touched


def count(directory: Path, whose: Whose = ADA) -> dict[str, int]:
    counted: dict[str, int] = {}
    Eraser(directory, whose, lambda path, number: counted.update({path.name: number}), fail).count(
        lambda done, whole: None
    )
    return counted


def ignore(path: Path, number: int) -> None:
    """For who asks no more of it."""


def fail(damage: Damage) -> None:
    raise AssertionError(damage)


def content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def names(directory: Path) -> list[str]:
    """What lies there, but for locks."""
    return sorted(path.name for path in directory.iterdir() if not path.name.startswith("."))
