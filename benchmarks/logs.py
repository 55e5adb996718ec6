"""What logs and transcripts cost: CPU per request of gateways that differ in nothing else.

    python -m benchmarks.logs            ends with 1 if a figure is over its limit
    python -m benchmarks.logs --quick    fewer rounds

Each round asks every gateway in turn, so what else goes on meets all of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import answers, gateway
from benchmarks.bench import Bench, Target
from benchmarks.figure import Figure
from benchmarks.load import Load
from benchmarks.processes import Program, cores, free_port
from benchmarks.run import line
from benchmarks.scenarios import COMPARISONS


class Kind(NamedTuple):
    """A way to log. `most` bounds its CPU per request as a multiple of that of none."""

    name: str
    settings: dict[str, str]
    most: float | None = None


NO_STDOUT, NO_FILE = {"LOG_LEVEL": "off"}, {"LOG_FILE_LEVEL": "off"}
KINDS = (
    Kind("none", NO_STDOUT | NO_FILE),
    Kind("standard output", NO_FILE),
    Kind("file", NO_STDOUT),
    Kind("both", {}, most=1.05),
    Kind("both, and full transcripts", {"LOG_BODIES": "full"}, most=1.20),
)
LOADS = {
    "1 KB answer": COMPARISONS["whole"].load,
    "100 chunks": replace(COMPARISONS["burst"].load, model=answers.WORDS),
}


def start(stack: ExitStack, directory: Path) -> list[Bench]:
    """A gateway for each kind of log, all before the same mock provider."""
    measured, measuring = cores()
    port = free_port()
    mock = [sys.executable, "-m", "benchmarks.mock", str(port)]
    program = Program(mock, measuring, directory / "mock.log", gateway.bare_environment())
    stack.enter_context(program).await_port(port)
    found = []
    for number, kind in enumerate(KINDS):
        place = directory / str(number)
        place.mkdir()
        settings = gateway.gateway_environment(place) | kind.settings
        key, own = gateway.prepare(place, settings, port), free_port()
        program = Program(gateway.serve_command(own), measured, place / "stdout", settings)
        stack.enter_context(program).await_answer(f"http://127.0.0.1:{own}/readyz")
        target = Target(kind.name, program, own, key)
        found.append(Bench(target, target, place, settings))
    return found


def compare(benches: list[Bench], name: str, load: Load, rounds: int) -> list[Figure]:
    """Medians over the rounds of each gateway's CPU, as a multiple of the first one's."""
    spent = [[bench.put(bench.patchbay, load).cpu_ms for bench in benches] for _ in range(rounds)]
    figures = []
    for number, kind in enumerate(KINDS):
        ratios = [costs[number] / costs[0] for costs in spent]
        ms = median(costs[number] for costs in spent)
        note = f"{ms:.3f} ms; rounds {min(ratios):.2f} to {max(ratios):.2f}"
        figures.append(Figure(f"{name}: {kind.name}", median(ratios), "x", kind.most, note=note))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what logs and transcripts cost.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory(prefix="patchbay-bench-") as place, ExitStack() as stack:
        benches = start(stack, Path(place))
        for load in LOADS.values():  # warm up
            for bench in benches:
                bench.put(bench.patchbay, replace(load, requests=300))
        for name, load in LOADS.items():
            for figure in compare(benches, name, load, rounds=3 if options.quick else 7):
                figures.append(figure)
                print(line(figure), flush=True)
    over = [figure.what for figure in figures if not figure.within]
    print(f"\n{len(over)} over their limit: {'; '.join(over)}" if over else "\nAll within limits.")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
