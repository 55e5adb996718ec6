"""Measure the gateway and print each figure beside its limit; exit 1 if one is over.

    python -m benchmarks.run                     everything, a few minutes
    python -m benchmarks.run --quick             smaller rounds, no long run
    python -m benchmarks.run --only whole burst  some of it

Linux only: CPU and memory are read from /proc. The gateway gets one core; client and mock
provider share another. Another job on the machine moves times more than it moves CPU per request.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.bench import bench
from benchmarks.figure import Figure
from benchmarks.processes import end_well
from benchmarks.scenarios import COMPARISONS, FULL, QUICK, SCENARIOS, Size


def measure(names: list[str], size: Size) -> list[Figure]:
    """Every figure, each printed as soon as it is known."""
    figures: list[Figure] = []

    def report(found: list[Figure]) -> None:
        figures.extend(found)
        for figure in found:
            print(line(figure), flush=True)

    with tempfile.TemporaryDirectory(prefix="patchbay-bench-") as place:
        directory = Path(place)
        with bench(directory) as running:
            for name in ("whole", "burst"):  # warm up
                warm = COMPARISONS[name].load
                for target in (running.reference, running.patchbay):
                    running.put(target, replace(warm, requests=500))
            for name in names:
                report(SCENARIOS[name](running, size))
    return figures


def line(figure: Figure) -> str:
    limit = ""
    if figure.most is not None:
        limit = f"<= {figure.most:g}"
    if figure.least is not None:
        limit = f">= {figure.least:g}"
    verdict = "ok  " if figure.within else "OVER"
    if not limit:
        verdict = "    "
    digits = 2 if figure.value >= 0.01 or not figure.value else 5
    value = f"{figure.value:.{digits}f} {figure.unit}"
    return f"{verdict} {figure.what:<58} {value:>14} {limit:>8}   {figure.note}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure speed and memory against their limits.")
    parser.add_argument("--quick", action="store_true", help="smaller rounds, no long run")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=SCENARIOS,
        default=list(SCENARIOS),
        metavar="NAME",
        help=" ".join(SCENARIOS),
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    end_well()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    figures = measure(options.only, QUICK if options.quick else FULL)
    if options.json:
        options.json.write_text(json.dumps([figure._asdict() for figure in figures], indent=1))
    over = [figure.what for figure in figures if not figure.within]
    print(f"\n{len(over)} over their limit: {'; '.join(over)}" if over else "\nAll within limits.")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
