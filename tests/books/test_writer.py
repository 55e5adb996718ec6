"""From the journal to the database: everything once, whatever goes away in between."""

from __future__ import annotations

from pathlib import Path

from tests.books.shelf import Shelf, record
from usage.journal import Journal
from usage.writer import Writer

PATIENCE = 10.0


def test_what_ended_is_in_the_books_and_the_journal_goes(shelf: Shelf, journals: Path) -> None:
    journal = Journal.open(journals, "w1")
    writer = Writer(journals, "w1", shelf.connect)
    writer.start()
    records = [record() for _ in range(50)]
    for one in records:
        journal.begin(one)
        journal.attempt(one)
        journal.end(one)
    assert writer.flush(PATIENCE), writer.state()
    assert shelf.ids() == sorted(one.exchange_id.hex() for one in records)
    assert journal.backlog == 0
    assert writer.stop(PATIENCE)
    journal.close()
    assert list(journals.iterdir()) == []
