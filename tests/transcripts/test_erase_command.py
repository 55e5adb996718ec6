"""`manage.py erase` as an operator meets it: what it says, what it asks, and what the books say then."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.admin.test_records import make_record
from tests.transcripts.lines import NOON, compressed, encoded, line, live
from usage.erasure import ROWS_AT_ONCE, pseudonym
from usage.log_lock import locked, tidy_lock, write_lock
from usage.models import ClientKey, UsageRecord

NAMES = ("end_user", "session", "client_request_id")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, settings: Any) -> Path:
    """LOG_DIR of this test."""
    settings.LOG_DIR = tmp_path / "logs"
    return tmp_path / "logs"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("erase", *arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def some(directory: Path) -> list[UsageRecord]:
    """Ada's two requests and one of Bob's, in files and books."""
    compressed(directory, NOON + 60, line(end_user="ada", session="s-1"), line(end_user="bob"))
    live(directory, line(end_user="ada", session="s-2"))
    return [
        make_record(end_user=user, session=session, client_request_id="req-1")
        for user, session in [("ada", "s-1"), ("ada", "s-2"), ("bob", "s-3")]
    ]


def books() -> list[tuple[str, str, str]]:
    return list(UsageRecord.objects.order_by("started_at").values_list(*NAMES))


def amounts() -> list[dict[str, Any]]:
    """All that the books say of requests, but for whose they were."""
    rows = [dict(row) for row in UsageRecord.objects.order_by("started_at").values()]
    return [{name: value for name, value in row.items() if name not in NAMES} for row in rows]


def test_a_dry_run_counts_and_changes_nothing(some: list[UsageRecord], directory: Path):
    before = {path: path.read_bytes() for path in directory.iterdir()}, books()
    said = run("--end-user", "ada", "--dry-run")
    assert "would erase 1 transcript in" in said
    assert "transcripts-20260701T120100.000000Z.log.gz" in said
    for sentence in (
        "would erase 2 transcripts in 2 files",
        "would erase 0 transcripts in the database",
        "would pseudonymise 2 records",
    ):
        assert sentence in said
    assert ({path: path.read_bytes() for path in directory.iterdir()}, books()) == before


def test_transcripts_go_and_records_lose_their_names_but_not_their_amounts(
    some: list[UsageRecord],
):
    before = amounts()
    said = run("--end-user", "ada", "--yes")
    assert (
        "erased 2 transcripts in 2 files\nerased 0 transcripts in the database\npseudonymised 2 records"
        in said
    )
    ada = pseudonym("ada")
    assert ada.startswith("erased-")
    assert books() == [
        (ada, pseudonym("s-1"), ""),
        (ada, pseudonym("s-2"), ""),
        ("bob", "s-3", "req-1"),
    ]
    assert amounts() == before


def test_it_says_what_stays_in_the_process_log(some: list[UsageRecord]):
    told = " ".join(run("--end-user", "ada", "--yes").split())
    assert "Not touched: the process log." in told
    assert "by the id that the client gave it, until their files go (LOG_MAX_AGE_DAYS)" in told


def test_a_second_run_finds_nothing(some: list[UsageRecord]):
    run("--end-user", "ada", "--yes")
    before = books()
    assert run("--end-user", "ada", "--yes").startswith("There is nothing of the end user ada.\n")
    assert books() == before


def test_what_is_done_without_asking_is_not_announced_before(some: list[UsageRecord]):
    assert "would" in run("--end-user", "ada", "--dry-run", "--yes")
    assert "would" not in run("--end-user", "ada", "--yes")


def test_it_says_where_it_searched_so_that_another_directory_is_not_forgotten(
    some: list[UsageRecord], directory: Path, settings: Any
):
    settings.LOG_DIR = directory.with_name("new")
    said = run("--end-user", "ada", "--yes")
    where = f"Searched: files in {settings.LOG_DIR} (which is not there), and the database "
    assert where in said
    assert where in run("--end-user", "ada", "--yes"), "also where there is nothing"
    settings.LOG_DIR = directory
    said = run("--end-user", "ada", "--yes")
    assert "erased 2 transcripts in 2 files" in said
    assert f"Searched: files in {directory}, and the database " in said


def test_for_programs_it_is_one_object(some: list[UsageRecord], directory: Path):
    for option, done in (("--dry-run", False), ("--yes", True)):
        out = io.StringIO()
        call_command(
            "erase", "--end-user", "ada", option, "--json", stdout=out, stderr=io.StringIO()
        )
        said = json.loads(out.getvalue())
        assert said.pop("database")
        assert set(said.pop("files").values()) == {1}
        assert said == {
            "done": done,
            "directory": str(directory),
            "transcripts_in_files": 2,
            "transcripts_in_database": 0,
            "records": 2,
            "known_key": None,
            "directory_exists": True,
            "unreadable": [],
        }
    with pytest.raises(CommandError, match="--yes or --dry-run"):
        run("--end-user", "ada", "--json")


def test_a_session_or_a_key_is_erased_by_its_name(some: list[UsageRecord]):
    assert "erased 1 transcript in 1 file\n" in run("--session", "s-2", "--yes")
    assert books()[0] == ("ada", "s-1", "req-1")
    said = run("--key", "ci", "--yes")
    assert "pseudonymised 2 records" in said, "one is nameless already"
    assert books()[1] == (pseudonym("ada"), pseudonym("s-2"), "")
    assert {record.client_key_name for record in UsageRecord.objects.all()} == {"ci"}


def test_a_pseudonym_depends_on_the_secret(settings: Any):
    before = pseudonym("ada")
    settings.SECRET_KEY = "another secret of thirty-two characters"
    assert pseudonym("ada") != before


def test_more_records_than_one_transaction_takes_are_all_changed():
    for _ in range(ROWS_AT_ONCE + 1):
        make_record(end_user="ada")
    assert f"pseudonymised {ROWS_AT_ONCE + 1} records" in run("--end-user", "ada", "--yes")
    assert not UsageRecord.objects.filter(end_user="ada").exists()


@pytest.mark.parametrize(("answer", "goes"), [("y\n", True), ("n\n", False), ("", False)])
def test_it_asks_before_and_only_a_yes_is_one(
    some: list[UsageRecord], monkeypatch: pytest.MonkeyPatch, answer: str, goes: bool
):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    if goes:
        assert (
            "2 transcripts in files and 0 in the database of the end user ada will be gone"
            in run("--end-user", "ada")
        )
    else:
        with pytest.raises(CommandError, match="Nothing was erased"):
            run("--end-user", "ada")
    assert (books()[0][0] == "ada") is not goes


@pytest.mark.parametrize("arguments", [[], ["--end-user", "a", "--key", "b"]])
def test_it_is_told_whose_and_one_of_them(arguments: list[str]):
    with pytest.raises(CommandError, match="one of the arguments|not allowed with"):
        run(*arguments)


@pytest.mark.parametrize("option", ["--end-user", "--key", "--session"])
def test_no_name_is_not_everybody(some: list[UsageRecord], option: str):
    with pytest.raises(CommandError, match=f"{option} is empty"):
        run(option, " ", "--yes")


def test_without_any_transcripts_the_books_alone_are_changed(directory: Path):
    make_record(end_user="ada")
    assert "pseudonymised 1 record in the books" in run("--end-user", "ada", "--yes")
    assert not directory.exists()


def test_a_file_that_cannot_be_read_stops_it_in_a_sentence(directory: Path):
    directory.mkdir()
    (directory / "transcripts.log").mkdir()
    record = make_record(end_user="ada")
    with pytest.raises(CommandError, match=r"transcripts\.log: Is a directory"):
        run("--end-user", "ada", "--yes")
    record.refresh_from_db()
    assert record.end_user == "ada"


@pytest.mark.parametrize("option", ["--yes", "--dry-run"])
def test_a_name_that_no_client_key_has_is_said_to_be_none(some: list[UsageRecord], option: str):
    unknown = "No client key has this name."
    assert unknown in run("--key", "cj", option)
    assert unknown not in run("--key", "ci", "--yes"), "deleted, but there were requests of it"
    assert unknown not in run("--end-user", "cj", option)
    ClientKey.objects.create(name="cj", digest="d", pepper_id="p")
    assert unknown not in run("--key", "cj", option)


@pytest.mark.parametrize("option", ["--yes", "--dry-run"])
def test_programs_are_told_too_whether_there_is_such_a_key(option: str):
    ClientKey.objects.create(name="ci", digest="d", pepper_id="p")
    for name, known in [("ci", True), ("cj", False)]:
        out = io.StringIO()
        call_command("erase", "--key", name, option, "--json", stdout=out, stderr=io.StringIO())
        assert json.loads(out.getvalue())["known_key"] is known


@pytest.mark.parametrize("lock", [tidy_lock, write_lock], ids=["tidied", "written"])
def test_a_file_that_another_process_holds_is_waited_for_within_a_bound(
    some: list[UsageRecord], directory: Path, lock: Callable[[Path], Path]
):
    held = lock(directory / "transcripts.log")
    with locked(held):
        with pytest.raises(
            CommandError, match="another process is busy with .* Run this again"
        ) as refused:
            run("--end-user", "ada", "--yes", "--wait", "0.1")
        assert str(held) in str(refused.value)
    assert books()[0][0] == "ada"
    assert "pseudonymised 2 records" in run("--end-user", "ada", "--yes", "--wait", "0.1")
    assert run("--end-user", "ada", "--yes").startswith("There is nothing of the end user ada.")


def damaged(directory: Path) -> Path:
    """A compressed file the second half of which is not there: it begins with Bob."""
    path = compressed(directory, NOON + 90, line(end_user="bob"), *(line(x=at) for at in range(99)))
    packed = path.read_bytes()
    path.write_bytes(packed[: len(packed) // 2])
    return path


@pytest.mark.parametrize("user", ["ada", "nobody"])
@pytest.mark.parametrize("option", ["--yes", "--dry-run"])
def test_a_damaged_file_that_may_hold_more_is_no_success(
    some: list[UsageRecord], directory: Path, user: str, option: str
):
    path = damaged(directory)
    out, told = io.StringIO(), "Not all could be read: there may be more of them in "
    with pytest.raises(CommandError, match=told) as refused:
        call_command(
            "erase", "--end-user", user, option, "--json", stdout=out, stderr=io.StringIO()
        )
    assert str(path) in str(refused.value)
    said = json.loads(out.getvalue())
    assert (said["unreadable"], said["done"]) == ([str(path)], option == "--yes")
    gone = user == "ada" and option == "--yes"
    assert books()[0][0] == (pseudonym("ada") if gone else "ada"), "all else is done"


def test_a_damaged_file_that_was_made_anew_is_none(some: list[UsageRecord], directory: Path):
    path = damaged(directory)
    said = run("--end-user", "bob", "--yes")
    assert f"erased 1 transcript in {path}\n" in said
    assert "Not all could be read" not in said


def test_a_directory_that_is_none_is_refused_or_said_to_be_missing(
    some: list[UsageRecord], settings: Any, tmp_path: Path
):
    file = tmp_path / "README.md"
    file.write_text("")
    for place, exists in [(file, True), (tmp_path / "gone", False)]:
        settings.LOG_DIR = place
        if exists:
            with pytest.raises(CommandError, match="is no directory"):
                run("--end-user", "ada", "--yes")
            assert books()[0][0] == "ada"
        else:
            out = io.StringIO()
            call_command("erase", "--end-user", "x", "--yes", "--json", stdout=out)
            said = json.loads(out.getvalue())
            assert (said["directory_exists"], said["done"]) == (False, True)


def refusal(*arguments: str) -> str:
    try:
        run(*arguments)
    except CommandError as error:
        return str(error)
    return ""


TOUCH = """
import itertools, os, sys
for at in itertools.count(1):
    os.utime(sys.argv[1], ns=(at, at))
"""


def test_a_file_that_another_program_changes_meanwhile_is_named(
    some: list[UsageRecord], directory: Path
):
    path = directory / "transcripts.log.1"
    path.write_bytes(encoded(line(end_user="ada")))
    with subprocess.Popen([sys.executable, "-c", TOUCH, str(path)]) as other:
        try:
            while path.stat().st_mtime > 1:
                time.sleep(0.01)
            runs = (refusal("--end-user", "ada", "--dry-run") for _ in range(200))
            said = next(filter(None, runs), "")
        finally:
            other.kill()
    assert f"{path} was moved or changed by another program meanwhile" in said
    assert "Run this again" in said
    assert books()[0][0] == "ada"
    assert "erased 3 transcripts in 3 files" in run("--end-user", "ada", "--yes")


@pytest.mark.parametrize("span", ["-1", "nan", "inf", "soon"])
def test_a_bound_that_is_none_is_refused(span: str):
    with pytest.raises(CommandError, match="argument --wait: invalid"):
        run("--end-user", "ada", f"--wait={span}")
