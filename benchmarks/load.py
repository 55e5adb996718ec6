"""The client of the benchmark: a closed loop of connections on bare sockets that checks every answer.

Run as `python -m benchmarks.load JSON`, where JSON is a list of Loads, put on one after the other.
Prints a JSON list of what was seen of each.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, cast

import uvloop

from benchmarks import answers
from benchmarks.check import decoded, problem_of

HEAD_END = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True)
class Load:
    """`requests` in all, over `connections` kept open, opened `ramp` a second (0: all at once)."""

    port: int
    model: str
    requests: int
    connections: int
    path: str = "/v1/chat/completions"
    key: str = ""
    prompt_bytes: int = 100
    ramp: int = 0
    give_up: float = 60

    @property
    def stream(self) -> bool:
        return self.model in answers.SHAPES

    def request(self, turn: int) -> bytes:
        words = b"".join(answers.said(turn, self.prompt_bytes // 4, asking=True)).decode()
        text = f"say something \u00e9 {words}"[: self.prompt_bytes]
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": 4096,
            "messages": [{"role": "user", "content": text}],
        }
        if self.stream:
            body["stream"] = True
        content = json.dumps(body, ensure_ascii=False).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {self.key}\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


@dataclass
class Run:
    """What a load has seen so far. Times are milliseconds."""

    load: Load
    left: int
    correct: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    total_ms: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    transit_ms: list[float] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0


class Client(asyncio.Protocol):
    """One connection: asks, reads the answer to its end, asks again until none is left to ask."""

    def __init__(self, run: Run, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._run = run
        self._requests = requests
        self._done = done
        self._parts: list[bytes] = []
        self._size = 0
        self._end = 0
        self._waiting = False
        self._asked = 0.0
        self._first = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._ask()

    def _ask(self) -> None:
        if not self._run.left:
            self._transport.close()
            return
        self._run.left -= 1
        self._parts, self._size, self._end = [], 0, 0
        self._waiting, self._first = True, False
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._run.load.stream:
            self._note_transit(data)
            if self._end == 0 and not data.endswith(LAST_CHUNK) and self._size > 4096:
                return
        if not self._end:
            self._measure()
        if self._end and self._size >= self._end:
            self._finish()

    def _note_transit(self, data: bytes) -> None:
        """Time from the provider's sending of a chunk to its arrival here, by the newest one."""
        found = answers.MARK.search(data)
        if found is None:
            return
        transit = (time.monotonic_ns() - int(found.group(2))) / 1e6
        if not self._first:
            self._first = True
            self._run.first_ms.append(transit)
        self._run.transit_ms.append(transit)

    def _measure(self) -> None:
        """Where the answer ends, if that can be told yet."""
        data = b"".join(self._parts)
        self._parts = [data]
        head, found, body = data.partition(HEAD_END)
        if not found:
            return
        lowered = head.lower()
        if b"content-length:" in lowered:
            length = int(lowered.partition(b"content-length:")[2].partition(b"\r\n")[0])
            self._end = len(head) + len(HEAD_END) + length
        elif body.endswith(LAST_CHUNK):
            self._end = len(data)

    def _finish(self) -> None:
        run, self._waiting = self._run, False
        run.total_ms.append((time.perf_counter() - self._asked) * 1000)
        status, body = decoded(b"".join(self._parts))
        problem = problem_of(status, body, run.load.model, run.load.path)
        if problem:
            run.problems[problem] += 1
        else:
            run.correct += 1
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            self._run.problems["the connection was closed before the answer's end"] += 1
        if not self._done.done():
            self._done.set_result(None)


async def apply(load: Load) -> Run:
    """Put a load on a server and return what was seen."""
    run = Run(load, load.requests)
    loop = asyncio.get_running_loop()
    requests = itertools.cycle([*map(load.request, range(answers.VARIETY))])
    ends = [loop.create_future() for _ in range(load.connections)]
    run.began = time.perf_counter()
    for end in ends:
        await loop.create_connection(partial(Client, run, requests, end), "127.0.0.1", load.port)
        if load.ramp:
            await asyncio.sleep(1 / load.ramp)
    _, unfinished = await asyncio.wait(ends, timeout=load.give_up)
    run.ended = time.perf_counter()
    if unfinished:
        run.problems["not finished in time"] += len(unfinished)
    return run


def summary(run: Run) -> dict[str, Any]:
    seconds = run.ended - run.began
    return {
        "load": asdict(run.load),
        "correct": run.correct,
        "problems": dict(run.problems),
        "seconds": round(seconds, 3),
        "rate": round(run.correct / seconds, 1),
        "total_ms": quantiles(run.total_ms),
        "first_ms": quantiles(run.first_ms),
        "transit_ms": quantiles(run.transit_ms),
        "client_cpu": round(time.process_time(), 3),
    }


def quantiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    ordered = sorted(values)
    last = len(ordered) - 1
    return {name: round(ordered[round(last * q)], 3) for name, q in (("p50", 0.5), ("p99", 0.99))}


if __name__ == "__main__":
    gc.disable()  # the client makes no cycles that matter, and its pauses would be the gateway's
    print(json.dumps(summary(uvloop.run(apply(Load(**json.loads(sys.argv[1])))))))
