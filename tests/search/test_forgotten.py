"""After an erasure no file of SQLite holds a word of it: the table, the index, the log of changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.admin.test_records import make_record
from tests.search.archive import Archive
from tests.search.test_erase import run
from tests.transcripts.lines import NOON, chat, line, user


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, settings: Any) -> None:
    settings.LOG_DIR = tmp_path / "logs"


def files_with(word: bytes) -> list[str]:
    """Which of the database's files hold these bytes."""
    main = Path(connection.settings_dict["NAME"])
    return [path.name for path in main.parent.glob(f"{main.name}*") if word in path.read_bytes()]


@pytest.mark.parametrize("archive", ["sqlite"], indirect=True)
def test_no_file_holds_a_word_of_who_was_erased(archive: Archive):
    for at in range(60):  # many writings, so that the index has merged some by itself
        said = chat([user(f"The treasure {at} lies under the oak")], "Yes.")
        archive.keep(
            line(NOON + at, end_user="grimbold", session="s-grimbold", **said),
            line(NOON + at, **chat([user(f"The harvest {at} is in")], "Good.")),
        )
    make_record(end_user="grimbold", session="s-grimbold", client_request_id="r-grimbold")
    words = (b"treasure", b"grimbold")
    assert all(files_with(word) for word in words)
    run("--end-user", "grimbold", "--yes")
    for word in (*words, b"easure", b"imbold"):  # an index leaves out how the word before begins
        assert files_with(word) == []
    assert files_with(b"harvest")
