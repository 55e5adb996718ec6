"""Programs under measurement: started on a core of their own, read through /proc, ended by id."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60.0
STOP_SECONDS = 15.0


def cores() -> tuple[set[int], set[int]]:
    """(what is measured, what measures): one core each, where there are two."""
    allowed = sorted(os.sched_getaffinity(0))
    return {allowed[0]}, {allowed[-1]}


def end_well() -> None:
    """Let SIGTERM end what was started as well, as Ctrl-C does: what is left over disturbs the next run."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """A child process with everything below it. Ends when the `with` block does."""

    def __init__(
        self, command: Sequence[str], on: set[int], log: Path, environment: Mapping[str, str]
    ) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**environment},
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, on),
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        family = self._family()
        self.resume()
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """Let it do nothing at all until it is resumed: what waits for its turn disturbs no other."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGCONT)

    def await_port(self, port: int) -> None:
        """Until it accepts connections. Raises RuntimeError with the end of its log if it does not."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"It did not start:\n{self.log.read_text()[-2000:]}")

    def await_answer(self, url: str) -> None:
        """Until a URL answers 200."""
        end = time.monotonic() + START_SECONDS
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(urllib.error.HTTPError, OSError):
                opener.open(url, timeout=2).close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"{url} does not answer:\n{self.log.read_text()[-2000:]}")

    def cpu_seconds(self) -> float:
        """User and system time of the process and all below it, the ended ones included."""
        total = 0.0
        for pid in self._family():
            with contextlib.suppress(OSError):
                of_ended = sum(map(int, _stat(pid)[13:15])) / TICKS
                total += time.clock_gettime(_cpu_clock(pid)) + of_ended
        return total

    def memory_mb(self) -> float:
        """Resident memory of the largest process: a worker, where there is a supervisor too."""
        sizes = [0.0]
        for pid in self._family():
            with contextlib.suppress(OSError):
                pages = int(Path("/proc", str(pid), "statm").read_text().split()[1])
                sizes.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
        return max(sizes)

    def own_memory_mb(self) -> float:
        """What the largest process shares with no other: what one more worker would add."""
        sizes = [0.0]
        for pid in self._family():
            with contextlib.suppress(OSError):
                rollup = Path("/proc", str(pid), "smaps_rollup").read_text().splitlines()
                lines = [line.split() for line in rollup if line.startswith("Private_")]
                sizes.append(sum(int(line[1]) for line in lines) / 1024)
        return max(sizes)

    def _family(self) -> list[int]:
        children: dict[int, list[int]] = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                children.setdefault(int(_stat(int(entry))[1]), []).append(int(entry))
        family = [self._process.pid]
        for pid in family:  # grows while it is read
            family += children.get(pid, [])
        return family


def _cpu_clock(pid: int) -> int:
    """What clock_getcpuclockid(3) gives on Linux: nanoseconds, where /proc has hundredths of a second."""
    return (~pid << 3) | 2


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name, which may hold blanks: state, parent, …"""
    return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
