"""Where transcripts lie, and why there may be none."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings


def directory() -> Path:
    """The directory of the log files."""
    return Path(settings.LOG_DIR)


def why_none(place: str) -> str:
    """What to tell who looks for transcripts where there are none."""
    if "file" not in settings.TRANSCRIPT_SINKS:
        sinks = ",".join(settings.TRANSCRIPT_SINKS) or "none"
        return f"There are no transcripts in {place}: none go to files (TRANSCRIPT_SINKS={sinks})."
    if settings.LOG_BODIES != "off":
        return f"There are no transcripts in {place} yet."
    return (
        f"There are no transcripts in {place}: they are off (LOG_BODIES=off). LOG_BODIES=full or "
        "LOG_BODIES=metadata turns them on for all, and Transcripts in the admin for one rule, team "
        "or client key."
    )
