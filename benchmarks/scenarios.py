"""What is measured, and the limit of each figure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import NamedTuple

from benchmarks import answers, planning
from benchmarks.bench import Bench, Measured
from benchmarks.figure import Figure
from benchmarks.gateway import records_in_the_books
from benchmarks.load import Load
from benchmarks.processes import Program

MESSAGES = "/v1/messages"
PACED_MS = 1000 * answers.SHAPES["bench-paced"].gap * (answers.SHAPES["bench-paced"].chunks - 1)
BOOKS_SECONDS = 30.0


class Size(NamedTuple):
    """How much is measured: rounds of each comparison, and requests of the long run."""

    rounds: int
    long_run: int
    part: float
    """Of the requests of a full round."""


FULL = Size(rounds=5, long_run=100_000, part=1.0)
QUICK = Size(rounds=3, long_run=0, part=0.4)


class Comparison(NamedTuple):
    """A load put on both in turn; `most` bounds the gateway's CPU as a multiple of the reference's."""

    what: str
    load: Load
    most: float
    own_path: str = ""
    """Where the gateway is asked, if not where the reference is."""


COMPARISONS = {
    "whole": Comparison("1 KB answer, 16 connections", Load(0, answers.WHOLE, 6000, 16), most=2.2),
    "burst": Comparison(
        "stream of 100 chunks sent at once, 16 connections",
        Load(0, "bench-burst", 3000, 16),
        most=1.7,
    ),
    "prompt": Comparison(
        "100 KB prompt, 8 connections",
        Load(0, answers.WHOLE, 2000, 8, prompt_bytes=100_000),
        most=2.0,
    ),
    "translated": Comparison(
        "the same stream for an Anthropic client",
        Load(0, "bench-burst", 3000, 16),
        most=4.0,
        own_path=MESSAGES,
    ),
}


def compare(bench: Bench, comparison: Comparison, size: Size) -> list[Figure]:
    """Rounds of reference, gateway, reference, gateway, …; the median of their ratios."""
    load = replace(comparison.load, requests=round(comparison.load.requests * size.part))
    own = replace(load, path=comparison.own_path or load.path)
    pairs: list[tuple[Measured, Measured]] = []
    for _ in range(size.rounds):
        pairs.append((bench.put(bench.reference, load), bench.put(bench.patchbay, own)))
    ours, theirs = median(b.cpu_ms for _, b in pairs), median(a.cpu_ms for a, _ in pairs)
    ratios = [b.cpu_ms / a.cpu_ms for a, b in pairs]
    rate = median(b.seen["rate"] for _, b in pairs)
    note = (
        f"{ours:.3f} ms against {theirs:.3f} ms; rounds {min(ratios):.2f} to {max(ratios):.2f}; "
        f"{rate:.0f} a second{problems(*(m for pair in pairs for m in pair))}"
    )
    wrong = sum(m.problems for pair in pairs for m in pair)
    return [
        Figure(comparison.what, median(ratios), "x", most=comparison.most, note=note),
        Figure(f"wrong answers, {comparison.what}", wrong, "", most=0),
    ]


def problems(*measured: Measured) -> str:
    """What went wrong, shortly, or nothing."""
    found = {sentence for one in measured for sentence in one.seen["problems"]}
    return "".join(f"; {sentence}" for sentence in sorted(found)[:3])


def first_token(bench: Bench, size: Size) -> list[Figure]:
    """How long after the provider's first chunk the client has it, one client at a time."""
    load = Load(0, "bench-short", round(200 * size.part), 1)
    theirs = bench.put(bench.reference, load)
    ours = bench.put(bench.patchbay, load)
    first = ours.seen["first_ms"]
    note = (
        f"p99 {first['p99']:.2f} ms; the reference {theirs.seen['first_ms']['p50']:.2f} ms"
        + problems(ours)
    )
    return [Figure("first token after the provider's", first["p50"], "ms", most=1.5, note=note)]


def live_streams(bench: Bench, size: Size) -> list[Figure]:
    """500 streams at once, 100 chunks 20 ms apart, each of them twice."""
    load = Load(0, "bench-paced", round(1000 * max(size.part, 0.5)), 500, ramp=1000)
    theirs = bench.put(bench.reference, load)
    ours = bench.put(bench.patchbay, load)
    total, transit = ours.seen["total_ms"], ours.seen["transit_ms"]
    note = (
        f"{ours.cpu_ms:.2f} ms a stream against {theirs.cpu_ms:.2f} ms; a stream took "
        f"{total['p50']:.0f} ms (99th {total['p99']:.0f}) of at least {PACED_MS:.0f}; "
        f"a chunk {transit['p50']:.1f} ms (99th {transit['p99']:.1f}){problems(ours)}"
    )
    return [
        Figure("500 paced streams, incomplete or wrong", ours.problems, "", most=0),
        Figure("live streams per core", PACED_MS / ours.cpu_ms, "", least=350, note=note),
    ]


def memory(bench: Bench, size: Size) -> list[Figure]:
    """Resident memory after everything before, and its growth over the long run."""
    program = bench.patchbay.program
    growth: list[Figure] = []
    if size.long_run:
        bench.put(bench.patchbay, Load(0, answers.WHOLE, size.long_run // 10, 16))
        before = program.memory_mb()
        ran = bench.put(bench.patchbay, Load(0, answers.WHOLE, size.long_run, 16, give_up=280))
        rate = f"{ran.seen['rate']:.0f} requests a second{problems(ran)}"
        grown = program.memory_mb() - before
        growth = [Figure(f"growth over {size.long_run:,} requests", grown, "MB", 5, note=rate)]
    note = f"{program.own_memory_mb():.0f} MB of it shared with no other process"
    return [Figure("memory after load", program.memory_mb(), "MB", most=120, note=note), *growth]


def books(bench: Bench, size: Size) -> list[Figure]:
    """Every request that was asked is in the books."""
    end = time.monotonic() + BOOKS_SECONDS
    while (kept := records_in_the_books(bench.directory)) < bench.asked:
        if time.monotonic() > end:
            break
        time.sleep(0.2)
    note = f"{kept:,} records of {bench.asked:,} requests"
    return [Figure("requests missing from the books", bench.asked - kept, "", most=0, note=note)]


def idle(program: Program, seconds: float = 2.0) -> float:
    """Per cent of a core that a program uses when nobody asks it anything."""
    before = program.cpu_seconds()
    time.sleep(seconds)
    return (program.cpu_seconds() - before) / seconds * 100


def at_rest(bench: Bench, size: Size) -> list[Figure]:
    return [Figure("CPU at rest", idle(bench.patchbay.program), "% of a core")]


Scenario = Callable[[Bench, Size], list[Figure]]


def _comparing(name: str) -> Scenario:
    return lambda bench, size: compare(bench, COMPARISONS[name], size)


SCENARIOS: dict[str, Scenario] = {
    **{name: _comparing(name) for name in COMPARISONS},
    "first": first_token,
    "live": live_streams,
    "rest": at_rest,
    "memory": memory,
    "books": books,
    "planning": lambda bench, size: planning.measure(bench.settings),
}
