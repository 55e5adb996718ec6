"""Pictures of a report: small lines for cards, and what the charts draw. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from usage.figures import NANO
from usage.reports import Report, Totals

SPARK_WIDTH, SPARK_HEIGHT = 300, 40
Values = list[Any]


def spark(values: Sequence[float]) -> tuple[str, str]:
    """A line and the area under it, as SVG paths in a box of SPARK_WIDTH by SPARK_HEIGHT."""
    top = max(values, default=0) or 1
    step = SPARK_WIDTH / max(1, len(values) - 1)
    points = [
        f"{index * step:.1f} {SPARK_HEIGHT - 2 - (SPARK_HEIGHT - 6) * value / top:.1f}"
        for index, value in enumerate(values)
    ]
    line = "M" + "L".join(points or [f"0 {SPARK_HEIGHT}"])
    return line, f"{line}L{SPARK_WIDTH} {SPARK_HEIGHT}L0 {SPARK_HEIGHT}Z"


def charts(found: Report) -> dict[str, dict[str, Any]]:
    """By name: kind, unit, times, and each series with the number of its colour."""
    series = [point.totals for point in found.series]
    drawn = {
        "requests": ("bar", "count", _requests(series)),
        "cost": ("bar", "money", {"cost": [totals.cost_nano / NANO for totals in series]}),
        "tokens": ("bar", "count", _tokens(series)),
        "errors": ("line", "share", {"error rate": [error_rate(totals) for totals in series]}),
        "latency": ("line", "ms", _latency(series)),
    }
    times = [point.start.isoformat() for point in found.series]
    return {
        name: {
            "kind": kind,
            "unit": unit,
            "step": found.period.step,
            "times": times,
            "series": [
                {"label": label, "values": values, "colour": number}
                for number, (label, values) in enumerate(lines.items(), 1)
            ],
        }
        for name, (kind, unit, lines) in drawn.items()
    }


def error_rate(totals: Totals) -> float | None:
    """Failed of all; None of nothing."""
    return totals.failed / totals.requests if totals.requests else None


def _requests(series: list[Totals]) -> dict[str, Values]:
    return {
        "completed": [totals.completed for totals in series],
        "refused": [totals.refused for totals in series],
        "failed": [totals.failed for totals in series],
        "abandoned": [totals.abandoned for totals in series],
    }


def _tokens(series: list[Totals]) -> dict[str, Values]:
    return {
        "input": [totals.input_tokens - totals.cached_input_tokens for totals in series],
        "cached input": [totals.cached_input_tokens for totals in series],
        "output": [totals.output_tokens for totals in series],
    }


def _latency(series: list[Totals]) -> dict[str, Values]:
    return {
        "first token p50": [totals.first_content_ms.p50 for totals in series],
        "first token p95": [totals.first_content_ms.p95 for totals in series],
        "whole answer p95": [totals.total_ms.p95 for totals in series],
    }
