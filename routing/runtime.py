"""What one worker owns, put together here and nowhere else: start, keep fresh, drain, stop."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db import connections
from prometheus_client import REGISTRY, CollectorRegistry

from providers.demo.server import serve_demo
from providers.translate import Translator
from providers.upstream import Upstream
from providers.wire.registry import CODECS
from routing.closing import Books
from routing.deadline import Sweeper
from routing.exchange import new_id
from routing.gateway import Gateway, Tools
from routing.gauges import Gauges, State
from routing.limits import BodyBudget, Limits
from routing.live import Live
from routing.log_lines import Log, LogLines
from routing.metrics import Metrics
from routing.probes import Check, Condition, answer, checks
from routing.refresh import Refresher, Update
from routing.snapshot import Snapshot
from routing.transcribing import Transcripts
from routing.workers import Heartbeat
from usage.journal import SEGMENT_SECONDS, Journal
from usage.keys import KeyRing
from usage.quota import QuotaBook
from usage.writer import Writer

SWITCH_INTERVAL = 0.0002
"""Seconds; bounds how long a busy thread keeps the event loop waiting for the interpreter."""
WARM_SECONDS = 30.0
FLUSH_SECONDS = 10.0
LAST_WORD_SECONDS = 3.0
"""How long a stop waits for a database that should hear that this worker is gone."""
T = TypeVar("T")
ALIVE = b'{"status":"ok"}'

log = logging.getLogger("patchbay.runtime")


class Options(NamedTuple):
    """What a Runtime is made from. `poll` and `max_age` are in seconds.

    `segment_seconds` is how old a file of the journal gets, and so how long it names somebody.
    """

    directory: Path
    limits: Limits
    peppers: dict[str, bytes]
    body_bytes: int
    body_budget: int
    poll: float
    max_age: float
    demo: bool
    registry: CollectorRegistry
    log: Log
    transcripts: Transcripts
    transcript_days: float
    segment_seconds: float = SEGMENT_SECONDS


class Runtime:
    """One worker's own. Must be started and stopped on its event loop."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._worker = uuid.UUID(bytes=new_id())
        self._sweeper = Sweeper()
        self._metrics = Metrics(options.registry)
        self._gauges = Gauges(options.registry)
        self._undo = AsyncExitStack()
        self._undo.callback(self._forget_metrics)
        self._log_lines = LogLines(options.log)
        self._refresher = Refresher(options.directory / "configuration.json")
        self._heartbeat = Heartbeat(self._worker)
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="patchbay-config")
        self._tasks: list[asyncio.Task[None]] = []
        self._places_changed = asyncio.Event()
        self._started_at = time.time()
        self.live = Live(KeyRing(options.peppers), QuotaBook())
        self.body_budget = BodyBudget(options.body_budget, options.body_bytes)
        self.client_connections: Callable[[], int] = lambda: 0
        self.draining = False

    @classmethod
    def from_settings(cls, log: Log, transcripts: Transcripts) -> Runtime:
        return cls(
            Options(
                directory=settings.VAR_DIR,
                limits=Limits(
                    body_idle=settings.BODY_IDLE_SECONDS,
                    body_total=settings.BODY_TOTAL_SECONDS,
                    connect=settings.CONNECT_SECONDS,
                    first_content=settings.FIRST_CONTENT_SECONDS,
                    idle=settings.IDLE_SECONDS,
                    total=settings.TOTAL_SECONDS,
                    client_stall=settings.CLIENT_STALL_SECONDS,
                    answer_bytes=settings.MAX_ANSWER_BYTES,
                    in_flight=settings.MAX_IN_FLIGHT,
                ),
                peppers=settings.KEY_PEPPERS,
                body_bytes=settings.MAX_BODY_BYTES,
                body_budget=settings.BODY_BUDGET_BYTES,
                poll=settings.SNAPSHOT_POLL_SECONDS,
                max_age=settings.SNAPSHOT_MAX_AGE,
                demo=settings.DEMO,
                registry=REGISTRY,
                log=log,
                transcripts=transcripts,
                transcript_days=settings.TRANSCRIPT_DAYS,
            )
        )

    async def start(self) -> None:
        """Open the books, load configuration and keys, and begin to keep them fresh.

        One that fails is to be stopped as well.
        """
        sys.setswitchinterval(SWITCH_INTERVAL)
        options = self._options
        self._undo.push_async_callback(self._leave_the_database)
        options.directory.mkdir(parents=True, exist_ok=True)
        self._open_books(options.directory / "journal")
        self._upstream = Upstream(options.limits.connect)
        self._undo.push_async_callback(self._upstream.close)
        if options.demo:
            demo = await serve_demo()
            self._undo.push_async_callback(demo.stop)
            self._upstream.serve_locally("demo", demo.address)
        self.gateway = self._gateway()
        await self._load_first()
        loop = asyncio.get_running_loop()
        keepers = (
            self._sweeper.run(),
            self._keep_fresh(),
            self._keep_watch(),
            self._keep_names(),
        )
        self._tasks = [loop.create_task(keeper) for keeper in keepers]
        self._undo.push_async_callback(self._end_tasks)

    async def stop(self) -> None:
        """Stop keeping fresh, close what is open, and bring the journal into the database.

        Undoes a start that failed half-way as well: whatever was begun is on the stack.
        """
        self.live.draining = self.draining = True
        await self._undo.aclose()

    def begin_drain(self) -> None:
        """Say at the readiness probe that no more traffic should come; what comes is still served."""
        self.draining = True

    def cut(self) -> None:
        """Take nothing new, and end what is under way, streams with an error event."""
        self.draining = self.live.draining = True
        self._sweeper.interrupt_all("drain_cut")

    def probe(self, path: str) -> tuple[int, bytes]:
        """(status, JSON body) of /livez or /readyz."""
        return (200, ALIVE) if path == "/livez" else answer(self.checks())

    def checks(self) -> list[Check]:
        """What the readiness probe and the health page look at."""
        writer = self._writer.state()
        return checks(
            Condition(
                ready=self.live.ready,
                draining=self.draining,
                snapshot_number=self.live.snapshot.number,
                snapshot_age=self._snapshot_age(),
                out_of_date=self.live.out_of_date,
                journal_writable=self._journal.writable,
                database_error=bool(self._refresher.error or writer["error"]),
                log_problem=self._options.log.state().problem,
            )
        )

    async def _load_first(self) -> None:
        """Load before serving. Without a database the last configuration serves, once keys are there."""
        await self._in_thread(self._replay)
        await self._refresh()
        if self._refresher.error:
            kept = await self._in_thread(self._refresher.last_kept)
            if kept is not None:
                self._serve(kept)

    def _replay(self) -> None:
        """Bring what an earlier process left in its journal into the books, so that quotas know it."""
        self._writer.flush(FLUSH_SECONDS)

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._options.poll)
            try:
                await self._refresh()
            except Exception:
                log.exception("the configuration could not be refreshed")

    async def _refresh(self) -> None:
        update = await self._in_thread(self._refresher.poll)
        if update is not None:
            self._take(update)
        if not self._refresher.error:
            self.live.ready = True
            number, state = self.live.snapshot.number, self._writer.state()
            await self._in_thread(lambda: self._heartbeat.beat(number, state))

    def _serve(self, snapshot: Snapshot) -> None:
        self._options.log.known(snapshot.secrets)  # before one of them can be sent
        self.live.snapshot = snapshot

    def _take(self, update: Update) -> None:
        """Put what is new in use, between two turns of the event loop."""
        if update.snapshot is not None:
            self._serve(update.snapshot)
            self._places_changed.set()
        if update.changes is not None:
            for digest, caller in update.changes.callers:
                self.live.keys.put(digest, caller)
            if update.ids is not None:
                self.live.keys.keep_only(update.ids)
            self.live.quotas.replace(update.changes.limits)
            now = time.time()
            for limit, spent in update.seeds:
                self.live.quotas.seed(limit, spent, now)

    async def _keep_watch(self) -> None:
        """Beside the refresh, which may wait for the database for long."""
        while True:
            try:
                self.live.out_of_date = self._snapshot_age() > self._options.max_age
                self._journal.close_old_segment()
                self._gauges.show(self._state())
            except Exception:
                log.exception("the state of this worker could not be shown")
            await asyncio.sleep(self._options.poll)

    async def _keep_names(self) -> None:
        """Look up the providers' names ahead of use, beside all else: names may be slow."""
        while True:
            self._places_changed.clear()
            try:
                await self._upstream.warm(self.live.snapshot.places)
            except Exception:
                log.exception("the providers' names could not be looked up")
            with suppress(TimeoutError):
                async with asyncio.timeout(WARM_SECONDS):
                    await self._places_changed.wait()

    def _state(self) -> State:
        return State(
            in_flight=self.live.in_flight,
            client_connections=self.client_connections(),
            upstream_connections=self._upstream.connections,
            journal_backlog=self._journal.backlog,
            snapshot_number=self.live.snapshot.number,
            snapshot_age=self._snapshot_age(),
            snapshots_refused=self._refresher.refused,
            log=self._options.log.state(),
            records_lost=self._journal.lost,
        )

    def _snapshot_age(self) -> float:
        return time.time() - (self._refresher.refreshed_at or self._started_at)

    def _gateway(self) -> Gateway:
        """The flow, with everything that it needs in its hands."""
        options = self._options
        books = Books(
            self.live.quotas,
            self._journal,
            self._metrics,
            self._log_lines,
            options.transcripts,
        )
        return Gateway(
            Tools(
                live=self.live,
                limits=options.limits,
                translator=Translator(CODECS),
                upstream=self._upstream,
                sweeper=self._sweeper,
                books=books,
                transcripts=options.transcripts,
            )
        )

    def _open_books(self, journals: Path) -> None:
        worker, options = str(self._worker), self._options
        self._writer = Writer(journals, worker, transcript_days=options.transcript_days)
        self._journal = Journal.open(journals, worker, segment_seconds=options.segment_seconds)
        self._undo.push_async_callback(self._close_books)
        self._writer.start()

    async def _close_books(self) -> None:
        """On a thread of their own: the other one may wait for a database that does not answer."""
        with ThreadPoolExecutor(1, thread_name_prefix="patchbay-books") as thread:
            await asyncio.get_running_loop().run_in_executor(thread, self._close_journal)

    def _close_journal(self) -> None:
        flushed = self._writer.flush(FLUSH_SECONDS)
        self._writer.stop(FLUSH_SECONDS if flushed else 0.0)
        self._journal.close()

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _leave_the_database(self) -> None:
        heard = False
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await self._in_thread(self._heartbeat.end)
                await self._in_thread(connections.close_all)
                heard = True
        self._threads.shutdown(wait=heard, cancel_futures=True)

    def _forget_metrics(self) -> None:
        for collector in (*self._metrics.all, *self._gauges.all):
            self._options.registry.unregister(collector)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
