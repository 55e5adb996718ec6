"""The bench: mock provider, reference and gateway side by side, and loads put on them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import gateway
from benchmarks.load import Load
from benchmarks.processes import Program, cores, free_port

REFERENCE_KEY = "reference-key"
SETTLE_SECONDS = 1.0
"""What a server does after its last answer (books, clean-up) is counted too."""
IDLE_SECONDS = 20.0
LOAD_SECONDS = 300.0


class Target(NamedTuple):
    """A server under load."""

    name: str
    program: Program
    port: int
    key: str


class Measured(NamedTuple):
    """One load's outcome: what the client saw, and the server's CPU per request in milliseconds."""

    seen: dict[str, Any]
    cpu_ms: float
    problems: int


class Bench:
    """Everything that runs during a benchmark."""

    def __init__(
        self, reference: Target, patchbay: Target, directory: Path, settings: dict[str, str]
    ) -> None:
        self.reference = reference
        self.patchbay = patchbay
        self.directory = directory
        self.settings = settings
        self.asked = 0

    def put(self, target: Target, load: Load) -> Measured:
        """Put a load on one of the two."""
        measured = put(target, load)
        if target is self.patchbay:
            self.asked += load.requests
        return measured


def put(target: Target, load: Load, idle: float = 0.0) -> Measured:
    """Put a load on a target; its port and key replace the load's own.

    `idle` is what the target spends with nothing to do, in seconds of CPU per second, and is taken off.
    """
    began, began_at = target.program.cpu_seconds(), time.monotonic()
    seen = _run(replace(load, port=target.port, key=target.key))
    time.sleep(SETTLE_SECONDS)
    cpu = target.program.cpu_seconds() - began - idle * (time.monotonic() - began_at)
    problems = seen["load"]["requests"] - seen["correct"]
    return Measured(seen, cpu * 1000 / load.requests, problems)


def idle_of(targets: Sequence[Target]) -> list[float]:
    """What each spends with nothing to do, in seconds of CPU per second."""
    before = [target.program.cpu_seconds() for target in targets]
    time.sleep(IDLE_SECONDS)
    after = [target.program.cpu_seconds() for target in targets]
    return [(end - begin) / IDLE_SECONDS for begin, end in zip(before, after, strict=True)]


def _run(load: Load) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", json.dumps(asdict(load))],
        env=gateway.bare_environment(),
        cwd=gateway.ROOT,
        capture_output=True,
        text=True,
        timeout=LOAD_SECONDS,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, cores()[1]),
    )
    if done.returncode:
        raise RuntimeError(f"The client failed:\n{done.stderr[-2000:]}")
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@contextlib.contextmanager
def bench(directory: Path) -> Iterator[Bench]:
    """Start all three programs, and end them whatever happens."""
    measured, measuring = cores()
    provider_port, reference_port, patchbay_port = free_port(), free_port(), free_port()
    upstream = f"http://127.0.0.1:{provider_port}/v1/chat/completions"
    bare = gateway.bare_environment()
    settings = gateway.gateway_environment(directory)
    key = gateway.prepare(directory, settings, provider_port)
    with ExitStack() as stack:

        def start(name: str, command: list[str], on: set[int], more: dict[str, str]) -> Program:
            program = Program(command, on, directory / f"{name}.log", more)
            return stack.enter_context(program)

        mock = [sys.executable, "-m", "benchmarks.mock", str(provider_port)]
        start("mock", mock, measuring, bare).await_port(provider_port)
        reference = start(
            "reference",
            gateway.reference_command(reference_port),
            measured,
            bare | {"BENCH_UPSTREAM": upstream, "BENCH_KEY": REFERENCE_KEY},
        )
        patchbay = start("patchbay", gateway.serve_command(patchbay_port), measured, settings)
        reference.await_port(reference_port)
        patchbay.await_answer(f"http://127.0.0.1:{patchbay_port}/readyz")
        yield Bench(
            Target("reference", reference, reference_port, REFERENCE_KEY),
            Target("patchbay", patchbay, patchbay_port, key),
            directory,
            settings,
        )
