"""Where transcripts go: file, database, both or none, each by itself, and no request waits for any."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from proxyproject.logs import outputs
from proxyproject.transcript_sinks import MOST_HELD, LineMaker, Sink, Told, into_database
from tests.books.shelf import record
from tests.databases import apart
from tests.environment.test_start import start
from tests.house import House
from tests.search.archive import Archive, found
from tests.tcp_proxy import TcpProxy
from tests.transcripts.lines import encoded, line
from usage.models import Transcript
from usage.store import own_connection
from usage.transcripts.capture import Capture
from usage.transcripts.database import DAY
from usage.transcripts.database_writer import TranscriptWriter
from usage.transcripts.policy import Policy

PATIENCE = 20.0
FILE, DATABASE = "transcripts", "transcripts-database"


async def kept(house: House, directory: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """What the file has, and the ids that the database has, once all is written."""
    await house.settled()
    await asyncio.to_thread(outputs().flush)
    file = directory / "transcripts.log"
    lines = [json.loads(each) for each in file.read_text().splitlines()] if file.exists() else []
    return lines, await asyncio.to_thread(apart, _ids)


def _ids() -> list[str]:
    rows = Transcript.objects.order_by("number").values_list("exchange_id", flat=True)
    return [str(each) for each in rows]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.mark.parametrize("sinks", [(), ("file",), ("database",), ("file", "database")])
async def test_each_exchange_goes_to_each_sink_that_is_set(opening, logs: Path, sinks):
    async with opening(LOG_BODIES="full", LOG_DIR=logs, TRANSCRIPT_SINKS=sinks) as house:
        asked = [await house.chat() for _ in range(3)]
        lines, rows = await kept(house, logs)
        state = outputs().state()
    ids = [answer.headers["x-request-id"] for answer in asked]
    assert [each["exchange_id"] for each in lines] == (ids if "file" in sinks else [])
    assert rows == (ids if "database" in sinks else [])
    assert {name: count for name, count in state.written.items() if name in (FILE, DATABASE)} == {
        name: 3 for name, sink in ((FILE, "file"), (DATABASE, "database")) if sink in sinks
    }


async def test_both_get_the_same_line(opening, logs: Path):
    sinks = ("file", "database")
    async with opening(LOG_BODIES="full", LOG_DIR=logs, TRANSCRIPT_SINKS=sinks) as house:
        await house.chat(messages=[{"role": "user", "content": "Write to ada@example.com"}])
        [told], _ = await kept(house, logs)
        [row] = await asyncio.to_thread(apart, lambda: list(Transcript.objects.all()))
        hits = await asyncio.to_thread(apart, lambda: found("EMAIL_1"))
    assert json.loads(zlib.decompress(row.line)) == told
    assert (row.client_key, row.model, row.provider, row.status, row.outcome) == (
        "alice",
        "gpt-test",
        "openai",
        200,
        "completed",
    )
    assert hits == [told["exchange_id"]]


async def test_what_waits_is_written_before_the_gateway_ends(opening, logs: Path):
    async with opening(LOG_BODIES="full", LOG_DIR=logs, TRANSCRIPT_SINKS=("database",)) as house:
        await asyncio.gather(*(house.chat() for _ in range(50)))
    assert len(await asyncio.to_thread(apart, _ids)) == 50


async def test_no_request_waits_for_a_database_that_is_locked(opening, logs: Path, database: Path):
    async with opening(LOG_BODIES="full", LOG_DIR=logs, TRANSCRIPT_SINKS=("database",)) as house:
        await house.chat()
        other = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(PATIENCE):  # a fifth of what twenty would wait for the lock
            for _ in range(20):
                assert (await house.chat()).status_code == 200
        other.execute("ROLLBACK")
        other.close()
        _, rows = await kept(house, logs)
    assert len(rows) == 21


async def test_old_transcripts_go_by_themselves_even_where_the_database_is_no_sink(
    opening, logs: Path
):
    old, young = line(time.time() - 3 * DAY), line(time.time() - DAY)
    await asyncio.to_thread(apart, lambda: _write(old, young))
    async with opening(LOG_DIR=logs, TRANSCRIPT_DAYS=2) as house:
        async with asyncio.timeout(PATIENCE):
            while len(rows := (await kept(house, logs))[1]) > 1:  # noqa: ASYNC110 — no event
                await asyncio.sleep(0.05)
    assert rows == [young["exchange_id"]]


def _write(*lines: dict[str, Any]) -> None:
    writer = TranscriptWriter()
    writer.write(encoded(*lines))
    writer.close()


@pytest.mark.parametrize("wrong", ["disk", "file,disk", "none,file", ","])
def test_a_sink_that_does_not_exist_stops_the_start(tmp_path: Path, wrong: str):
    ended = start(tmp_path, "check", TRANSCRIPT_SINKS=wrong)
    assert ended.returncode != 0
    assert (
        f"TRANSCRIPT_SINKS is {wrong!r}; it must be none, or some of file, database" in ended.stderr
    )
    assert start(tmp_path, "check", TRANSCRIPT_SINKS="database, file").returncode == 0


@dataclass
class Way:
    """A way to the database that can be cut and mended."""

    connect: Callable[[], BaseDatabaseWrapper]
    stop: Callable[[], None]
    resume: Callable[[], None]


@contextmanager
def _way(archive: Archive) -> Iterator[Way]:
    """PostgreSQL is behind a proxy that goes; SQLite is locked by somebody who does not let go."""
    if archive.vendor == "postgresql":
        with TcpProxy(archive.place["HOST"], archive.place["PORT"]) as proxy:

            def through() -> BaseDatabaseWrapper:
                made = own_connection()
                made.settings_dict |= {"HOST": "127.0.0.1", "PORT": proxy.port}
                return made

            yield Way(through, proxy.stop, proxy.resume)
        return

    def hasty() -> BaseDatabaseWrapper:
        made = own_connection()
        made.settings_dict["OPTIONS"]["timeout"] = 0.05
        return made

    other = sqlite3.connect(archive.place["NAME"], isolation_level=None)
    yield Way(hasty, lambda: _run(other, "BEGIN IMMEDIATE"), lambda: _run(other, "ROLLBACK"))
    other.close()


def _run(connection: sqlite3.Connection, statement: str) -> None:
    connection.execute(statement)


def _put(sink: Sink, count: int, size: int = 0) -> None:
    body = b"x" * size
    for _ in range(count):
        capture = Capture(Policy("full", 1.0, frozenset()), record(), size)
        capture.request = body
        sink.put(Told(capture, capture.size))


def _lines() -> LineMaker:
    return LineMaker(lambda captures: [encoded(line()) for _ in captures])


def _wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_while_the_database_is_away_lines_wait_and_what_is_too_much_is_counted(archive: Archive):
    """It goes away, comes back, and goes again; what was put in is written once or counted."""
    with _way(archive) as way:
        writer = TranscriptWriter(way.connect)
        sink = Sink(DATABASE, into_database(writer), _lines(), 100, 0.02)
        _put(sink, 50)
        assert sink.output.flush(PATIENCE)
        assert archive.count() == 50
        way.stop()
        began = time.monotonic()
        _put(sink, 300)
        assert time.monotonic() - began < 1, "whoever puts in waits for nothing"
        _wait_until(lambda: sink.output.problem != "")
        assert sink.output.dropped >= 100
        way.resume()
        _wait_until(lambda: sink.output.written + sink.output.dropped == 350)
        _put(sink, 50)
        sink.output.stop(PATIENCE)
        writer.close()
    assert sink.output.problem == ""
    assert archive.count() == sink.output.written
    assert sink.output.written + sink.output.dropped == 400


@pytest.mark.parametrize("size", [MOST_HELD // 4, MOST_HELD // 64], ids=["bytes", "count"])
def test_what_waits_is_bounded_and_what_was_dropped_counts_no_more(archive: Archive, size: int):
    with _way(archive) as way:
        writer = TranscriptWriter(way.connect)
        sink = Sink(DATABASE, into_database(writer), _lines(), 5, 0.02)
        way.stop()
        for _ in range(3):
            _put(sink, 50, size)
            _wait_until(lambda: sink.output.problem != "")
        assert sink.output.dropped >= 3 * 50 - 3 * 5
        way.resume()
        _wait_until(lambda: sink.output.written + sink.output.dropped == 150)
        before = sink.output.written
        _put(sink, 1, MOST_HELD)
        assert sink.output.flush(PATIENCE)
        assert sink.output.written == before + 1, "all of the room is there again"
        sink.output.stop(PATIENCE)
        writer.close()


def test_a_line_that_cannot_be_made_keeps_no_other_back(archive: Archive):
    writer = TranscriptWriter()

    def write(captures: list[Capture]) -> list[bytes]:
        if any(capture.request == b"bad" for capture in captures):
            raise RecursionError
        return [encoded(line()) for _ in captures]

    sink = Sink(DATABASE, into_database(writer), LineMaker(write), 100, 0.02)
    for said in (b"good", b"bad", b"good"):
        capture = Capture(Policy("full", 1.0, frozenset()), record(), 10)
        capture.request = said
        sink.put(Told(capture, capture.size))
    sink.output.stop(PATIENCE)
    writer.close()
    assert (archive.count(), sink.output.written, sink.output.dropped) == (2, 2, 1)


def test_a_line_is_made_once_for_all_sinks():
    made: list[Capture] = []

    def write(captures: list[Capture]) -> list[bytes]:
        made.extend(captures)
        return [b"{}\n"] * len(captures)

    captures = [Capture(Policy("full", 1.0, frozenset()), record(), 10) for _ in range(100)]
    told, maker = [Told(capture, capture.size) for capture in captures], LineMaker(write)
    maker.together(told[:50])
    maker.together(told)
    assert {maker.line(each) for each in told} == {b"{}\n"}
    assert made == captures


def test_two_sinks_that_make_lines_at_a_time_lose_none_over_one_that_cannot_be_made():
    def write(captures: list[Capture]) -> list[bytes]:
        time.sleep(0.001)
        if any(capture.request == b"bad" for capture in captures):
            raise RecursionError
        return [b"{}\n"] * len(captures)

    told, maker, lost = [], LineMaker(write), list[Told]()
    for number in range(30):
        capture = Capture(Policy("full", 1.0, frozenset()), record(), 10)
        capture.request = b"bad" if number == 15 else b"good"
        told.append(Told(capture, capture.size))

    def bring() -> None:
        maker.together(told)
        for each in told:
            try:
                maker.line(each)
            except Exception:  # noqa: BLE001 — as a sink does
                lost.append(each)

    sinks = [Thread(target=bring) for _ in range(2)]
    for sink in sinks:
        sink.start()
    for sink in sinks:
        sink.join()
    assert lost == [told[15]] * 2
