"""What one worker owns: its start, what it keeps fresh, what its probes and gauges say."""

from __future__ import annotations
