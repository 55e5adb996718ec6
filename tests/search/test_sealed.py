"""Transcripts under the key ring, from a client to files and database, on each kind of database."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from proxyproject.logs import outputs
from tests.chaos import Chaos, speech, stream
from tests.databases import apart
from tests.house import OPENAI_SECRET, House, open_house, provider, rule
from tests.search.archive import Archive, found
from tests.transcripts.lines import chat, line, sealed, user
from usage.models import Transcript
from usage.transcripts.read import find
from usage.transcripts.read_database import find_in_database
from usage.transcripts.said import said
from usage.transcripts.segments import STAMP, compress_indexed
from usage.transcripts.stored import Line

ASKED, ANSWERED = "Is the lighthouse haunted?", "No: the keeper snores."
WORDS = re.compile(rb"lighthouse|haunted|keeper|snores", re.IGNORECASE)

Sealing = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def sealing(archive: Archive, chaos: Chaos, tmp_path: Path, logs: Path) -> Sealing:
    """Opens a house that seals all that it keeps, but for what a test says."""
    providers = [provider("openai", chaos.openai_url, OPENAI_SECRET)]
    configuration = {"providers": providers, "rules": [rule("all", "*", ["openai"])]}

    @asynccontextmanager
    async def open_sealing(**changed: Any) -> AsyncIterator[House]:
        settings = {
            "LOG_BODIES": "full",
            "LOG_DIR": logs,
            "TRANSCRIPT_SINKS": ("file", "database"),
            "TRANSCRIPT_ENCRYPTION": True,
            **changed,
        }
        async with open_house(chaos, tmp_path / "var", configuration, **settings) as house:
            yield house

    return open_sealing


async def talk(house: House) -> UUID:
    """An exchange of which both requests and the answer are kept; its id, once all is written."""
    house.chaos.next(stream(speech.chat_events(ANSWERED)))
    asked = [{"role": "user", "content": ASKED}]
    answer = await house.message("gpt-test", stream=True, messages=asked)
    await house.settled()
    await asyncio.to_thread(outputs().flush)
    return UUID(answer.headers["x-request-id"])


def cells() -> list[bytes]:
    """All that the table holds, the lines without their compression as well."""
    rows = list(Transcript.objects.values_list())
    cells = [bytes(cell) if isinstance(cell, memoryview) else cell for row in rows for cell in row]
    lines = [zlib.decompress(cell) for cell in cells if isinstance(cell, bytes)]
    return [cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells] + lines


def texts(line: Line | None) -> list[str]:
    assert line is not None
    heard = said(line)
    return [part.text for turn in (*heard.asked, *heard.answered) for part in turn.parts]


async def test_nothing_that_was_said_lies_open_in_a_file_or_in_the_database(
    sealing: Sealing, logs: Path
):
    async with sealing() as house:
        exchange = await talk(house)
    live = logs / "transcripts.log"
    [kept] = map(json.loads, live.read_text().splitlines())
    segment = live.rename(logs / f"transcripts-{datetime.now(UTC).strftime(STAMP)}.log")
    plain = segment.read_bytes()
    packed = compress_indexed(segment)
    rows = await asyncio.to_thread(apart, cells)
    for place in (
        plain,
        packed.read_bytes(),
        gzip.decompress(packed.read_bytes()),
        base64.b64decode(kept["sealed"]),
        *rows,
    ):
        assert not WORDS.search(place)
    assert len(rows) > 10
    assert (kept["sealed_with"], kept["client_key"], kept["model"]) == ("k1", "alice", "gpt-test")
    assert (kept["request"], kept["upstream_request"], kept["response"]) == (None, None, None)
    opened = find(logs, exchange)
    assert texts(opened) == [ASKED, ANSWERED]
    assert opened is not None
    assert opened.head.bodies().read("upstream_request")["messages"][-1]["content"] == ASKED
    row = await asyncio.to_thread(apart, lambda: find_in_database(exchange))
    assert texts(row) == [ASKED, ANSWERED]


async def test_personal_data_is_hidden_before_it_is_sealed(sealing: Sealing, logs: Path):
    async with sealing() as house:
        answer = await house.message("gpt-test", messages=[user("Write to ada@example.com")])
        await house.settled()
        await asyncio.to_thread(outputs().flush)
    assert "Write to <EMAIL_1>" in texts(find(logs, UUID(answer.headers["x-request-id"])))


async def test_metadata_alone_is_kept_as_it_is(sealing: Sealing, logs: Path):
    async with sealing(LOG_BODIES="metadata") as house:
        await talk(house)
    [kept] = map(json.loads, (logs / "transcripts.log").read_text().splitlines())
    assert (kept["level"], kept["sealed"], kept["sealed_with"]) == ("metadata", "", "")


async def test_what_was_kept_before_and_after_is_read_beside_it(sealing: Sealing, logs: Path):
    exchanges = []
    for encryption in (False, True, False):
        async with sealing(TRANSCRIPT_ENCRYPTION=encryption) as house:
            exchanges.append(await talk(house))
    kept = [json.loads(each) for each in (logs / "transcripts.log").read_text().splitlines()]
    assert [bool(each["sealed"]) for each in kept] == [False, True, False]
    for exchange in exchanges:
        assert texts(find(logs, exchange)) == [ASKED, ANSWERED]
    hits = await asyncio.to_thread(apart, lambda: found("lighthouse"))
    assert hits == [str(exchanges[2]), str(exchanges[0])]


def test_words_of_what_is_sealed_are_in_no_index_and_filters_find_it(archive: Archive):
    plain, hidden = line(), sealed(line(client_key="bob", **chat([user("A haunted house")], "?")))
    archive.keep(plain, hidden)
    assert archive.indexed("haunted") == 0
    assert found("haunted") == found('"haunted house"') == []
    assert found("paris") == [plain["exchange_id"]]
    assert found("", key="bob") == found("", status="2xx", key="bob") == [hidden["exchange_id"]]


def test_rows_that_are_sealed_are_known_by_their_key(archive: Archive):
    archive.keep(line(), sealed(line()), line())
    rows = archive.rows("SELECT sealed_with FROM {table} ORDER BY number")
    assert rows == [(None,), ("k1",), (None,)]
