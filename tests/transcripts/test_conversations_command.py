"""`manage.py conversations`: transcripts for people and for programs, from files alone."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.transcripts.lines import (
    NOON,
    chat,
    compressed,
    encoded,
    id_at,
    ids,
    line,
    live,
    messages,
    metadata,
    rotated,
    tool_talk,
    user,
)


def run(*arguments: str) -> tuple[list[str], list[str]]:
    """The lines of standard output and of standard error."""
    out, err = StringIO(), StringIO()
    call_command("conversations", *arguments, stdout=out, stderr=err)
    return out.getvalue().splitlines(), err.getvalue().splitlines()


def listed(place: Path, *arguments: str) -> list[str]:
    """The ids that are listed."""
    found, _ = run("list", "--json", *arguments, "--from", str(place))
    return [json.loads(each)["exchange_id"] for each in found]


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return str(error.value)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A day: an hour compressed, one plain, and the live segment."""
    compressed(tmp_path, NOON + 3600, *tool_talk()[:2])
    rotated(tmp_path, NOON + 7200, metadata(NOON + 4000, client_key="bob"))
    live(tmp_path, line(NOON + 8000, **messages([user("Hello")], "Hi.")))
    return tmp_path


def test_a_list_is_a_table_the_newest_first(logs: Path) -> None:
    found, told = run("list", "--from", str(logs))
    assert found[0].split()[:3] == ["Exchange", "Began", "(UTC)"]
    assert [each[38:57] for each in found[1:]] == [
        "2026-07-01 14:13:20",
        "2026-07-01 13:06:40",
        "2026-07-01 12:00:05",
        "2026-07-01 12:00:00",
    ]
    assert found[1].endswith("457 ms  ok                        Hello")
    assert told == []


@pytest.mark.parametrize(("sinks", "named"), [(("database",), "database"), ((), "none")])
def test_where_none_go_to_files_it_says_so(
    tmp_path: Path, settings: Any, sinks: tuple[str, ...], named: str
) -> None:
    settings.LOG_DIR, settings.TRANSCRIPT_SINKS = tmp_path, sinks
    why = f"There are no transcripts in {tmp_path}: none go to files (TRANSCRIPT_SINKS={named})."
    assert run("list") == ([], [why])


def test_columns_stand_below_each_other_whatever_is_in_them(tmp_path: Path) -> None:
    live(
        tmp_path,
        line(
            client_key="k" * 50,
            model="m" * 100,
            request_model="",
            outcome="failed",
            reason="upstream_rate_limited",
        ),
        line(client_key="", total_ms=None, cost_nano=None, **chat([user("x\ny " * 100)], "")),
    )
    head, *rows = run("list", "--from", str(tmp_path))[0]
    for each in rows:
        assert each[head.index("End") - 2 : head.index("End")] == "  "
        assert each[head.index("Said") - 2 : head.index("Said")] == "  "
    assert [len(each[head.index("Said") :]) for each in rows] == [60, 30]


def test_json_lines_of_a_list_leave_out_what_was_said(logs: Path) -> None:
    found, _ = run("list", "--json", "--limit", "1", "--from", str(logs))
    [one] = map(json.loads, found)
    assert one["client_key"] == "alice"
    assert not {"request", "response", "upstream_request"} & set(one)


FAILED = {"outcome": "failed", "reason": "upstream_rate_limited", "status": 429}
MARKED = [
    ("--key", "bob", {"client_key": "bob"}),
    ("--model", "fast", {"model": "fast"}),
    ("--model", "gpt-6", {"request_model": "gpt-6"}),
    ("--model", "gpt-6-2027", {"response_model": "gpt-6-2027"}),
    ("--status", "429", FAILED),
    ("--status", "4xx", FAILED),
    ("--outcome", "failed", FAILED),
    ("--outcome", "upstream_rate_limited", FAILED),
    ("--session", "s1", {"session": "s1"}),
    ("--text", "GRÜßE aus", chat([user("Viele Grüße aus Rom")], "")),
    ("--text", 'said "no"', chat([user("x")], 'He Said "No"\n')),
    ("--text", "two\nlines", chat([user([{"type": "text", "text": "two\nlines"}])], "")),
    (
        "--text",
        "rm -rf",
        messages(
            [user("x")], [{"type": "tool_use", "id": "1", "name": "sh", "input": {"c": "RM -rf"}}]
        ),
    ),
]


@pytest.mark.parametrize(("option", "value", "members"), MARKED)
def test_a_list_can_be_narrowed(
    tmp_path: Path, option: str, value: str, members: dict[str, Any]
) -> None:
    one = line(**members)
    live(tmp_path, line(NOON - 1), one, line(NOON + 1))
    assert listed(tmp_path, option, value) == ids([one])


def test_text_is_found_however_json_writes_it(tmp_path: Path) -> None:
    one = line(**chat([user("Grüße &c")], ""))
    escaped = encoded(one).decode().strip()
    for character in "Gü&":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    live(tmp_path, escaped.encode())
    assert listed(tmp_path, "--text", "grüße &c") == ids([one])
    assert listed(tmp_path, "--text", "&c") == ids([one])
    assert listed(tmp_path, "--text", "u0026") == []


def test_names_of_members_and_facts_are_not_text_that_was_said(tmp_path: Path) -> None:
    live(tmp_path, line(client_key="messages"))
    assert listed(tmp_path, "--text", "messages") == []


def test_times_narrow_a_list(logs: Path) -> None:
    assert len(listed(logs, "--since", "2026-07-01T13:00", "--until", "2026-07-01T14:00")) == 1
    assert len(listed(logs, "--until", "2026-07-01T12:00:05")) == 1
    now = datetime.now(UTC).timestamp()
    live(logs, line(now - 7000), line(now - 100))
    assert len(listed(logs, "--since", "2h")) == 2
    assert len(listed(logs, "--since", "2h", "--until", "5m")) == 1


def test_a_list_stops_at_its_limit_and_says_so(tmp_path: Path) -> None:
    live(tmp_path, *[line(NOON + each) for each in range(60)])
    found, told = run("list", "--from", str(tmp_path))
    assert len(found) == 51
    assert told == ["These are the newest 50; --limit 0 lists all."]
    assert len(listed(tmp_path, "--limit", "0")) == 60


def test_one_is_shown_as_it_is_stored(logs: Path) -> None:
    one = tool_talk()[1]
    live(logs, one)
    [found], _ = run("show", one["exchange_id"], "--json", "--from", str(logs))
    assert json.loads(found) == one
    assert run("show", one["exchange_id"], "--format", "json", "--from", str(logs))[0] == [found]


def test_the_beginning_of_an_id_is_enough_where_it_is_the_only_one(tmp_path: Path) -> None:
    one, twin, other = line(NOON), line(NOON), line(NOON + 3600)
    live(tmp_path, one, twin, other)
    for start in (other["exchange_id"][:9], other["exchange_id"].replace("-", "").upper()[:13]):
        found, _ = run("show", start, "--from", str(tmp_path))
        assert other["exchange_id"] in found[0]
    said = refused("show", one["exchange_id"][:13], "--from", str(tmp_path))
    assert said.startswith(f"Several ids begin with {one['exchange_id'][:13]}")
    assert all(each in said for each in ids([one, twin]))


def test_an_id_that_is_none_and_one_that_is_not_there_are_told_apart(logs: Path) -> None:
    assert "is no id of an exchange" in refused("show", "019f", "--from", str(logs))
    assert "is no id of an exchange" in refused("show", "hello-world", "--from", str(logs))
    away = id_at(NOON)
    assert (
        refused("show", away, "--from", str(logs))
        == f"No transcript with the id {away} is in {logs}."
    )


def test_a_conversation_is_shown_whole_in_every_format(tmp_path: Path) -> None:
    lines = tool_talk()
    compressed(tmp_path, NOON + 1, lines[0])
    live(tmp_path, *lines[1:], line(NOON + 30))
    asked = ("show", lines[1]["exchange_id"], "--whole-conversation", "--from", str(tmp_path))

    text = "\n".join(run(*asked)[0])
    assert text.count("What is in a.txt?") == text.count("forty-two") == 1
    assert "France" not in text
    marked = run(*asked, "--format", "markdown")[0]
    assert [each for each in marked if each.startswith("### ")] == [
        f"### {role}"
        for role in ("system", "user", "assistant", "tool", "assistant", "user", "assistant")
    ]
    [found] = run(*asked, "--json")[0]
    exchanges = json.loads(found)["exchanges"]
    assert [each["exchange_id"] for each in exchanges] == ids(lines)
    assert [len(each["messages"]) for each in exchanges] == [3, 2, 2]


def test_an_export_has_every_line_oldest_first(logs: Path) -> None:
    found, told = run("export", "--from", str(logs))
    assert [json.loads(each)["time"] for each in found] == [
        NOON,
        NOON + 5,
        NOON + 4000,
        NOON + 8000,
    ]
    assert all("request" in json.loads(each) for each in found[:2])
    assert told == []
    assert run("export", "--json", "--key", "bob", "--from", str(logs))[0] == [found[2]]


def test_an_export_as_markdown_has_a_section_for_each(logs: Path) -> None:
    found, _ = run("export", "--format", "markdown", "--from", str(logs))
    assert len([each for each in found if each.startswith("## ")]) == 4


def test_an_export_into_a_file_is_whole_and_for_its_owner_alone(logs: Path) -> None:
    target = logs / "export.jsonl"
    found, told = run("export", "--output", str(target), "--from", str(logs))
    assert (found, told) == ([], [f"4 transcripts are in {target}."])
    assert len(target.read_text().splitlines()) == 4
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(path.name for path in logs.glob("export*")) == ["export.jsonl"]


def test_what_was_exported_can_be_read_like_a_log(logs: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.jsonl"
    run("export", "--output", str(target), "--from", str(logs))
    assert listed(target) == listed(logs)


def test_damage_is_reported_and_does_not_stop_anything(logs: Path) -> None:
    live(logs, *[b"garbage"] * 30, line(NOON + 9000))
    found, told = run("list", "--from", str(logs))
    assert len(found) == 6
    assert told[0] == f"{logs}/transcripts.log, line 31: it is cut off"
    assert told[-1] == "10 more places are damaged."
    assert len(told) == 21


def test_no_transcripts_at_all_says_how_to_have_some(tmp_path: Path, settings: Any) -> None:
    settings.LOG_DIR, settings.LOG_BODIES = tmp_path / "logs", "off"
    found, [told] = run("list")
    assert found == []
    assert told.startswith(
        f"There are no transcripts in {tmp_path}/logs: they are off (LOG_BODIES=off)."
    )
    assert "LOG_BODIES=full" in told
    assert refused("show", id_at(NOON)) == told
    assert run("export") == ([], [told])
    settings.LOG_BODIES = "full"
    assert run("list")[1] == [f"There are no transcripts in {tmp_path}/logs yet."]


def test_the_log_directory_is_read_where_none_is_named(tmp_path: Path, settings: Any) -> None:
    settings.LOG_DIR = tmp_path
    live(tmp_path, line())
    assert len(run("list")[0]) == 2


def test_nothing_found_is_said(logs: Path) -> None:
    assert run("list", "--key", "nobody", "--from", str(logs)) == (
        [],
        [f"No transcript in {logs} is like that."],
    )
    assert run("export", "--key", "nobody", "--from", str(logs)) == (
        [],
        [f"No transcript in {logs} is like that."],
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["list", "--status", "42"],
            "--status: '42' is no status. Write a number such as 502, or a class such as 5xx.",
        ),
        (["list", "--outcome", "nope"], "There is no outcome or reason 'nope'."),
        (["list", "--limit", "-1"], "--limit must be 0, for all, or more."),
        (["list", "--since", "soon"], "'soon' is neither a time"),
        (["list", "--since", "5m", "--until", "2h"], "--since 5m is not before --until 2h"),
        (
            ["export", "--since", "2026-07-02", "--until", "2026-07-01"],
            "--since 2026-07-02 is not before --until 2026-07-01",
        ),
        (
            ["list", "--status", "zz"],
            "--status: 'zz' is no status. Write a number such as 502, or a class such as 5xx.",
        ),
        (["list", "--model", "gpt-*"], "--model: 'gpt-*' is a pattern."),
        (["list", "--from", "/nowhere"], "/nowhere: No such file or directory."),
        (
            ["export", "--json", "--format", "markdown"],
            "--json and --format markdown are two things.",
        ),
        (["export", "--output", "/nowhere/x"], "/nowhere/x.part: No such file or directory."),
        (["follow", "--from", "a", "b"], "follow takes one directory"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(
    logs: Path, settings: Any, arguments: list[str], sentence: str
) -> None:
    settings.LOG_DIR = logs
    assert refused(*arguments).startswith(sentence)
