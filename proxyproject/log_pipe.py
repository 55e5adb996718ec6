"""Lines wait in memory for a thread that writes them, so that no request waits for a log.

Each output has a queue and a thread of its own: a terminal that is slow holds back no file. What
cannot be written now is tried again with the next flush; what finds the queue full is dropped,
counted, and owned up to in one line (`log_gap`) as soon as lines can be written again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from proxyproject.log_alarm import Alarm, Bell
from proxyproject.log_file import NotWritten
from routing.log_lines import Line

MOST_AT_ONCE = 1000
"""Lines of one write, so that what an output which fails holds on to stays small."""
GAP_SECONDS = 1.0
POLL_SECONDS = 0.002
STUCK_SECONDS = 5.0
"""A write that takes longer hangs; a line that waits longer is late."""
AT_ONCE_SECONDS = 1.0
"""Within which a turn comes to its write, or it is the turn that takes long."""

log = logging.getLogger("patchbay.logs")

T = TypeVar("T")


class Output(Generic[T]):
    """One place where lines go. `sink` takes whole lines, and raises NotWritten.

    `encode` makes a line of what is put in, `encode_gap` of a note that something is missing. `encode_all`
    makes the lines of many, which is sooner done; where it fails, `encode` tells of which. `written` and
    `dropped` count lines; together they are all that were put in, once it has stopped.
    """

    def __init__(
        self,
        name: str,
        sink: Callable[[bytes], None],
        encode: Callable[[T], bytes],
        size: int,
        flush_seconds: float,
        encode_gap: Callable[[Line], bytes],
        encode_all: Callable[[list[T]], list[bytes]] | None = None,
    ) -> None:
        self.name = name
        self._sink = sink
        self._encode = encode
        self._encode_gap = encode_gap
        self._encode_all = encode_all
        self._size = size
        self._flush_seconds = flush_seconds
        self._alarm = Alarm(f"patchbay: the log's {name}")
        self._waiting: deque[T] = deque()
        self._pending: list[bytes] = []
        self._wake: SimpleQueue[None] = SimpleQueue()  # safe in signal handlers, unlike an Event
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._ending = self._stopping = self._given_up = False
        self._begun = self._ended = 0
        self._begun_at = self._write_at = 0.0
        self._bell: Bell | None = None
        self._hint: Callable[[OSError], str] = lambda _: ""
        self.error: NotWritten | None = None
        self._behind = False
        self._told = 0
        self._gap_began = self._gap_told = 0.0
        self.written = self.dropped = 0

    def lies_at(self, hint: Callable[[OSError], str], bell: Bell) -> None:
        """`hint` says where its lines lie and what to do; `bell` is shared by all that lies there."""
        self._hint, self._bell = hint, bell

    @property
    def problem(self) -> str:
        """Why nothing can be written now, "" if it can."""
        return "" if self.error is None else self.error.strerror or "unknown"

    @property
    def delay(self) -> str:
        """Why lines are not written in time though no write has failed, "" if they are.

        Lines have no stamp: a turn writes what came before it began, so its age is the least of theirs.
        """
        now, write_at = time.monotonic(), self._write_at
        if write_at and now > write_at + STUCK_SECONDS:
            return f"a write has hung for more than {STUCK_SECONDS:g} seconds"
        waits = self._waiting or self._ended != self._begun
        at_once = 0 < write_at < self._begun_at + AT_ONCE_SECONDS  # then the write alone tells
        late = now > self._begun_at + STUCK_SECONDS and not at_once
        if waits and self._thread is not None and late:
            return f"lines have waited for more than {STUCK_SECONDS:g} seconds"
        if self.full:
            return "its queue is full"
        return "lines were dropped just now" if self.dropped > self._told else ""

    @property
    def failure(self) -> str:
        """The problem as a sentence, "" if there is none."""
        problem = self.problem
        return f"the log's {self.name} cannot be written ({problem})" if problem else ""

    @property
    def trouble(self) -> str:
        """What is wrong, failure or delay, as a sentence."""
        delay = self.delay
        return self.failure or (f"the log's {self.name} is behind ({delay})" if delay else "")

    @property
    def full(self) -> bool:
        """Whether what is put in now is dropped."""
        return len(self._waiting) >= self._size

    def put(self, line: T) -> bool:
        """Never waits and never raises; says whether there was room. Nobody changes the line afterwards."""
        waiting = self._waiting
        if self._thread is None:
            self.start()
        if len(waiting) >= self._size:
            self.drop(1)
            return False
        waiting.append(line)
        return True

    def start(self) -> None:
        """Begin to write, which the first line would do as well."""
        with self._lock:
            if self._thread is None and not self._stopping:
                thread = threading.Thread(
                    target=self._run, name=f"patchbay-log-{self.name}", daemon=True
                )
                self._begun_at = time.monotonic()
                with suppress(RuntimeError):  # the interpreter ends; `stop` writes what waits
                    thread.start()
                    self._thread = thread

    def look(self) -> None:
        """Ring where it is behind: its own thread, which rings where a write fails, may hang then.

        To be called by one thread, now and then.
        """
        delay = "" if self.problem else self.delay
        if delay and self._alarm.ring(f"is behind ({delay}){_lost(self.dropped)}"):
            log.warning("the log's %s is behind (%s)", self.name, delay)
        if self._behind and not delay and not self.problem:
            self._alarm.over()
        self._behind = bool(delay)

    def hurry(self) -> None:
        """Begin to write what waits, without waiting for it."""
        self._wake.put(None)

    def flush(self, timeout: float) -> bool:
        """Wait until all that was put in so far is written or has failed; returns whether it has."""
        thread, until = self._thread, time.monotonic() + timeout
        if thread is None or not thread.is_alive():
            self._turn()
            return True
        wanted = self._begun + 1
        self._wake.put(None)
        while self._ended < wanted:
            if time.monotonic() >= until:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def stop(self, timeout: float) -> None:
        """Write what waits, within a bound. What is left then counts as dropped."""
        until = time.monotonic() + timeout
        self._ending = True
        while self.flush(until - time.monotonic()) and self._waits_for_its_reader():
            if time.monotonic() >= until:
                break
            time.sleep(POLL_SECONDS)
        self._stopping = True
        self._wake.put(None)
        self._given_up = True
        lost = len(self._waiting) + len(self._pending)
        if lost:
            self.drop(lost)
            self._alarm.say(f"could not be written at the end{_lost(lost)}")

    def _waits_for_its_reader(self) -> bool:
        """A pipe may be full for a moment; a disk stays full."""
        return isinstance(self.error, NotWritten) and self.error.passing

    def drop(self, count: int) -> None:
        """Count what is not written."""
        with self._lock:
            if self.dropped == self._told:
                self._gap_began = time.monotonic()
            self.dropped += count

    def _run(self) -> None:
        while not self._stopping:
            with suppress(Empty):
                self._wake.get(timeout=self._flush_seconds)
            self._begun += 1
            self._begun_at = time.monotonic()
            self._turn()
            self._ended = self._begun

    def _turn(self) -> None:
        """Write what waits now. What comes meanwhile is for the next turn."""
        left = len(self._waiting)
        try:
            if self._pending:
                self._write_pending()
            while left > 0 and not self._given_up:
                taken = [self._waiting.popleft() for _ in range(min(left, MOST_AT_ONCE))]
                left -= len(taken)
                self._pending = self._encoded(taken)
                self._write_pending()
            if (
                self.dropped > self._told
                and not self._given_up
                and (self._ending or time.monotonic() >= self._gap_told + GAP_SECONDS)
            ):
                self._own_up()
        except NotWritten as error:
            self.error = error
            said = f"cannot be written ({self.problem}){_lost(self.dropped)}"
            hint = self._hint(error)
            self._alarm.ring(said + hint, self._bell, hint)
        else:
            if self.error is not None:
                self.error = None
                self._alarm.over()

    def _encoded(self, taken: list[T]) -> list[bytes]:
        """What cannot be made a line of is dropped: it must not cost the thread."""
        if self._encode_all is not None:
            with suppress(Exception):
                all_made = self._encode_all(taken)
                if len(all_made) == len(taken):
                    return all_made
        made = []
        for line in taken:
            try:
                made.append(self._encode(line))
            except Exception as error:  # noqa: BLE001 — whatever it is, the next line must be written
                self.drop(1)
                self._alarm.ring(f"cannot take a line ({type(error).__name__})")
        return made

    def _write_pending(self) -> None:
        """Raises NotWritten, and keeps what is not."""
        self._write_at = time.monotonic()
        try:
            self._sink(b"".join(self._pending))
        except NotWritten as error:
            self._keep_after(error.written)
            raise
        finally:
            self._write_at = 0.0
        if self._given_up:  # it hung, was counted as dropped, and came back
            self.drop(-len(self._pending))
        self.written += len(self._pending)
        self._pending = []

    def _keep_after(self, done: int) -> None:
        """Forget the lines within the first `done` bytes; of one that was begun the rest is kept."""
        for number, line in enumerate(self._pending):
            if done < len(line):
                self._pending[: number + 1] = [line[done:]]
                self.written += number
                return
            done -= len(line)
        self.written += len(self._pending)
        self._pending = []

    def _own_up(self) -> None:
        """Say in the log itself what is missing in it. Raises NotWritten."""
        now = time.monotonic()
        with self._lock:
            dropped, seconds = self.dropped - self._told, now - self._gap_began
            self._told, self._gap_told = self.dropped, now
        line: Line = {
            "time": time.time(),
            "level": "warning",
            "event": "log_gap",
            "output": self.name,
            "dropped": dropped,
            "seconds": round(seconds, 3),
        }
        self._pending = [self._encode_gap(line)]
        self.written -= 1  # nobody put it in
        self._write_pending()


def _lost(count: int) -> str:
    return f"; {count} {'line is' if count == 1 else 'lines are'} lost" if count else ""


def last_first(outputs: Sequence[Output[Any]]) -> list[Output[Any]]:
    """In the order in which to wait for them; they write at once, so that one that hangs costs no other."""
    for output in outputs:
        output.hurry()
    return list(reversed(outputs))
