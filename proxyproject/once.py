"""What is said once for all workers of a start, whoever comes to it first."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Names the directory that a start of several workers makes anew, where their metrics meet."""


def is_first(word: str) -> bool:
    """Whether no other worker of this start has asked the same. One that is alone is the first."""
    directory = Path(os.environ.get(METRICS_VARIABLE, ""))
    if directory.parent != Path(settings.VAR_DIR) / "metrics":  # not ours, or none
        return True
    try:
        os.close(os.open(directory / f"{word}.once", os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    except OSError:
        return True
    return True
