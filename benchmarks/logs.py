"""What logs and transcripts cost: CPU per request of gateways that differ in nothing else.

    python -m benchmarks.logs            ends with 1 if a figure is over its limit
    python -m benchmarks.logs --quick    fewer rounds

In each round every gateway has its turn, so long that lines are written while it is asked, as under any load;
the others are stopped meanwhile. There are several of each kind, for two that are alike differ by a hundredth
or two, by where things came to lie in their memory: more than one of them does from round to round. What a
gateway spends while it has nothing to do is a row of its own, and in no other.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from benchmarks import answers, gateway
from benchmarks.bench import Bench, Measured, Target, idle_of, put
from benchmarks.figure import Figure
from benchmarks.load import Load
from benchmarks.processes import Program, cores, end_well, free_port
from benchmarks.run import line

ROUNDS, QUICK_ROUNDS = 2, 1
COPIES = 4
"""Gateways of each kind."""
CATCH_UP_SECONDS = 0.5
"""In which one that was stopped does what it would have done meanwhile."""
DROPPED = re.compile(r"^patchbay_log_lines_dropped\{.*\} ([0-9.e+]+)$", re.MULTILINE)


class Kind(NamedTuple):
    """A way to log. `most` bounds its CPU per request as a multiple of that of none."""

    name: str
    settings: dict[str, str]
    most: float | None = None


class Way(NamedTuple):
    """What is asked of a gateway in its turn; `bounded` says that the limits of the kinds hold for it."""

    name: str
    load: Load
    bounded: bool = True


NO_STDOUT, NO_FILE = {"LOG_LEVEL": "off"}, {"LOG_FILE_LEVEL": "off"}
KEPT = {"LOG_BODIES": "full"}
KINDS = (
    Kind("none", NO_STDOUT | NO_FILE),
    Kind("standard output", NO_FILE),
    Kind("file", NO_STDOUT),
    Kind("both", {}, most=1.05),
    Kind("both, transcripts", KEPT, most=1.20),
    Kind("both, transcripts in the database", KEPT | {"TRANSCRIPT_SINKS": "database"}),
)
WAYS = (
    Way("1 KB answer", Load(0, answers.WHOLE, 4000, 16)),
    Way("100 chunks, 20 ms apart", Load(0, answers.PACED_WORDS, 60, 60, ramp=200)),
    Way("100 chunks at once", Load(0, answers.WORDS, 1000, 16), bounded=False),
)


def start(stack: ExitStack, directory: Path) -> list[Bench]:
    """Gateways for each kind of log, all before the same mock provider; `KINDS` again and again."""
    measured, measuring = cores()
    port = free_port()
    mock = [sys.executable, "-m", "benchmarks.mock", str(port)]
    program = Program(mock, measuring, directory / "mock.log", gateway.bare_environment())
    stack.enter_context(program).await_port(port)
    found = []
    for number, kind in enumerate(KINDS * COPIES):
        place = directory / str(number)
        place.mkdir()
        settings = gateway.gateway_environment(place) | kind.settings
        key, own = gateway.prepare(place, settings, port), free_port()
        program = Program(gateway.serve_command(own), measured, place / "stdout", settings)
        stack.enter_context(program).await_answer(f"http://127.0.0.1:{own}/readyz")
        target = Target(kind.name, program, own, key)
        found.append(Bench(target, target, place, settings))
    return found


def compare(benches: list[Bench], way: Way, rounds: int, idle: Sequence[float]) -> list[Figure]:
    """Each kind's CPU as a multiple of the first one's, the mean of the rounds."""
    spent: list[list[float]] = []
    wrong = 0
    targets = [bench.patchbay for bench in benches]
    for number in range(rounds):
        order = range(len(targets)) if number % 2 else reversed(range(len(targets)))
        measured = {each: _in_turn(targets[each], way.load, idle[each]) for each in order}
        spent.append(of_kinds([measured[each].cpu_ms for each in range(len(targets))]))
        wrong += sum(each.problems for each in measured.values())
    figures = []
    for number, kind in enumerate(KINDS):
        ratios = [costs[number] / costs[0] for costs in spent]
        ms = fmean(costs[number] for costs in spent)
        note = f"{ms:.3f} ms; rounds {min(ratios):.2f} to {max(ratios):.2f}"
        most = kind.most if way.bounded else None
        figures.append(Figure(f"{way.name}: {kind.name}", fmean(ratios), "x", most, note=note))
    return [*figures, Figure(f"wrong answers, {way.name}", wrong, "", most=0)]


def _in_turn(target: Target, load: Load, idle: float) -> Measured:
    target.program.resume()
    time.sleep(CATCH_UP_SECONDS)
    measured = put(target, load, idle)
    target.program.pause()
    return measured


def of_kinds(figures: Sequence[float]) -> list[float]:
    """The means of the gateways of each kind."""
    return [fmean(figures[number :: len(KINDS)]) for number in range(len(KINDS))]


def dropped(benches: list[Bench]) -> Figure:
    """Lines and transcripts that were not written: what costs nothing because it is lost is no bargain."""
    lost = 0.0
    for bench in benches:
        with urllib.request.urlopen(f"http://127.0.0.1:{bench.patchbay.port}/metrics") as page:
            counts = DROPPED.findall(page.read().decode())
        if not counts and not bench.settings.items() >= (NO_STDOUT | NO_FILE).items():
            raise RuntimeError("the metrics do not say what was dropped")
        lost += sum(map(float, counts))
    return Figure("lines and transcripts dropped", lost, "", most=0)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what logs and transcripts cost.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    rounds = QUICK_ROUNDS if parser.parse_args().quick else ROUNDS
    end_well()
    figures: list[Figure] = []

    def report(*found: Figure) -> None:
        figures.extend(found)
        for figure in found:
            print(line(figure), flush=True)

    with tempfile.TemporaryDirectory(prefix="patchbay-bench-") as place, ExitStack() as stack:
        benches = start(stack, Path(place))
        targets = [bench.patchbay for bench in benches]
        for target in targets:  # warm up
            put(target, replace(WAYS[0].load, requests=1000))
        idle = idle_of(targets)
        for kind, rate in zip(KINDS, of_kinds(idle), strict=True):
            report(Figure(f"idle: {kind.name}", rate * 1000, "ms/s"))
        for target in targets:
            target.program.pause()
        for way in WAYS:
            report(*compare(benches, way, rounds, idle))
        for target in targets:
            target.program.resume()
        report(dropped(benches))
    over = [figure.what for figure in figures if not figure.within]
    print(f"\n{len(over)} over their limit: {'; '.join(over)}" if over else "\nAll within limits.")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
