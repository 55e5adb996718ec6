"""Reading what is sealed: with the ring, with another one, and after somebody has changed it."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from tests.transcripts.lines import (
    NOON,
    chat,
    compressed,
    encoded,
    ids,
    line,
    live,
    messages,
    rotated,
    sealed,
    tool_talk,
    user,
)
from tests.transcripts.shown import stored
from usage.transcripts.erase import Eraser, Whose
from usage.transcripts.render import news_as_text
from usage.transcripts.stored import BODIES

OLD, NEW = {"k1": b"\xb2" * 32}, {"k2": b"\xc3" * 32}
MISSING = "What was said is encrypted with the key k1, which ENCRYPTION_KEYS does not have."
DAMAGED = (
    "What was said does not open: the line is damaged, or was encrypted with another key than the "
    "k1 of ENCRYPTION_KEYS."
)


@pytest.fixture(autouse=True)
def _ring(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = OLD


def run(*arguments: str) -> tuple[str, str]:
    """Standard output and standard error."""
    out, err = StringIO(), StringIO()
    call_command("conversations", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def show(place: Path, one: dict[str, Any], *arguments: str) -> str:
    return run("show", one["exchange_id"], *arguments, "--from", str(place))[0]


def test_what_is_sealed_is_shown_as_if_it_were_not(tmp_path: Path):
    plain = line(NOON, **chat([user("What is the capital of France?")], "Paris."))
    compressed(tmp_path / "plain", NOON + 60, plain)
    compressed(tmp_path / "sealed", NOON + 60, sealed(plain))
    for how in ([], ["--format", "markdown"], ["--whole-conversation"]):
        assert show(tmp_path / "sealed", plain, *how) == show(tmp_path / "plain", plain, *how)
    assert json.loads(show(tmp_path / "sealed", plain, "--json")) == plain
    out, _ = run("export", "--from", str(tmp_path / "sealed"))
    assert json.loads(out) == plain
    assert "capital of France" in run("list", "--from", str(tmp_path / "sealed"))[0]


def test_a_conversation_is_joined_by_what_was_said_under_the_seal(tmp_path: Path):
    talk = tool_talk()
    live(tmp_path, sealed(talk[0]), talk[1], sealed(talk[2]))
    out, _ = run("show", talk[2]["exchange_id"], "--whole-conversation", "--from", str(tmp_path))
    assert out.count("forty-two") == out.count("You are welcome.") == 1


def test_a_text_is_looked_for_under_the_seal(tmp_path: Path):
    hidden, other = sealed(line(NOON)), sealed(line(**chat([user("The capital of Spain?")], "?")))
    live(tmp_path, hidden, other, line(NOON + 1))
    out, told = run("list", "--text", "of FRANCE", "--json", "--from", str(tmp_path))
    found = [json.loads(each) for each in out.splitlines()]
    assert sorted(ids(found)) == sorted([hidden["exchange_id"], found[0]["exchange_id"]])
    assert len(found) == 2
    assert told == ""
    assert "sealed" not in found[1]
    assert found[1]["sealed_with"] == "k1", "which key it needs is no secret"


def test_the_first_key_seals_and_all_of_them_open(tmp_path: Path, settings: Any):
    before = sealed(line(NOON))
    settings.ENCRYPTION_KEYS = {**NEW, **OLD}
    after = sealed(line(NOON + 1))
    assert (before["sealed_with"], after["sealed_with"]) == ("k1", "k2")
    live(tmp_path, before, after)
    assert run("list", "--text", "France", "--json", "--from", str(tmp_path))[0].count("\n") == 2


def test_the_same_is_never_sealed_to_the_same():
    one = line()
    assert sealed(one)["sealed"] != sealed(one)["sealed"]


def test_a_key_that_is_missing_is_said_and_nothing_else_fails(tmp_path: Path, settings: Any):
    lost, plain = sealed(line(NOON, session="s-1")), line(NOON + 1, session="s-1")
    live(tmp_path, lost, plain)
    settings.ENCRYPTION_KEYS = NEW
    where = ("--from", str(tmp_path))
    assert f"! {MISSING}" in show(tmp_path, lost)
    assert "There was no answer" not in show(tmp_path, lost)
    assert f"*{MISSING}*" in show(tmp_path, lost, "--format", "markdown")
    said = json.loads(show(tmp_path, lost, "--json"))
    assert (said["closed"], said["sealed"]) == (MISSING, lost["sealed"])
    assert said["tokens"] == lost["tokens"]
    both = show(tmp_path, plain, "--whole-conversation")
    assert MISSING in both
    assert "Paris." in both
    steps = json.loads(show(tmp_path, plain, "--whole-conversation", "--json"))["exchanges"]
    assert [step.get("closed") for step in steps] == [MISSING, None]
    out, _ = run("list", *where)
    assert "What was said is encrypted with the key k1" in out
    assert out.count("alice") == 2
    out, told = run("list", "--text", "paris", "--json", *where)
    assert ids(map(json.loads, out.splitlines())) == [plain["exchange_id"]]
    assert told == f"The text cannot be looked for everywhere. {MISSING}\n"


def test_what_was_exported_without_its_key_opens_once_the_key_is_there(tmp_path: Path):
    made = line()
    live(tmp_path, sealed(made))
    file = tmp_path / "taken.jsonl"
    with override_settings(ENCRYPTION_KEYS=NEW):
        run("export", "--output", str(file), "--from", str(tmp_path / "transcripts.log"))
    assert json.loads(show(file, made, "--json")) == made


def test_on_another_host_its_own_key_of_that_name_opens_nothing(tmp_path: Path, settings: Any):
    one = sealed(line())
    shutil.copytree(compressed(tmp_path / "here", NOON, one).parent, tmp_path / "there")
    settings.ENCRYPTION_KEYS = {"k1": NEW["k2"]}
    assert f"! {DAMAGED}" in show(tmp_path / "there", one)
    settings.ENCRYPTION_KEYS = OLD
    assert "Paris." in show(tmp_path / "there", one)


def changed(one: dict[str, Any], how: str) -> dict[str, Any]:
    text = one["sealed"]
    if how == "a letter":
        text = text[:40] + ("A" if text[40] != "A" else "B") + text[41:]
    elif how == "its end is missing":
        text = text[: len(text) // 8 * 4]
    elif how == "no base64":
        text = "§" + text
    elif how == "almost nothing":
        text = "AAAA"
    else:
        text = sealed(line())["sealed"]
    return {**one, "sealed": text}


@pytest.mark.parametrize(
    "how",
    ["a letter", "its end is missing", "no base64", "almost nothing", "of another exchange"],
)
def test_what_was_changed_is_called_damaged(tmp_path: Path, how: str):
    one = changed(sealed(line()), how)
    live(tmp_path, one, line())
    assert f"! {DAMAGED}" in show(tmp_path, one)
    assert json.loads(show(tmp_path, one, "--json"))["closed"] == DAMAGED


def test_a_name_of_a_key_is_harmless_wherever_it_comes_from(tmp_path: Path):
    one = {**sealed(line()), "sealed_with": "\x1b[31mk\n<script>" + "x" * 999}
    live(tmp_path, one)
    out = show(tmp_path, one) + show(tmp_path, one, "--format", "markdown")
    assert "with the key __31mk__script_xxx" in out
    assert len(max(out.splitlines(), key=len)) < 200


def test_no_secret_of_a_credential_passes_for_a_transcript(settings: Any):
    """They are under other keys, though the ring is the same."""
    from providers.secrets import seal as seal_secret

    one = sealed(line())
    text = seal_secret("sk-0123456789", one["exchange_id"]).rpartition(":")[2]
    assert stored({**one, "sealed": text}).head.bodies().closed == DAMAGED


@pytest.mark.parametrize("ring", [OLD, NEW])
def test_somebody_is_erased_with_the_ring_and_without(
    tmp_path: Path, settings: Any, ring: dict[str, bytes]
):
    theirs = [sealed(line(NOON + at, end_user="ada")) for at in range(3)]
    others = [sealed(line(NOON + at, end_user="bob")) for at in range(3)]
    packed = compressed(tmp_path, NOON + 60, theirs[0], others[0])
    plain = rotated(tmp_path, NOON + 120, theirs[1], others[1])
    last = live(tmp_path, theirs[2], others[2])
    settings.ENCRYPTION_KEYS = ring
    touched: list[tuple[Path, int]] = []
    whose = Whose("end_user", "ada")
    Eraser(tmp_path, whose, lambda *each: touched.append(each), print).erase(lambda *_: None)
    assert sorted(touched) == sorted([(packed, 1), (plain, 1), (last, 1)])
    assert last.read_bytes() == encoded(others[2]), "to the byte"
    settings.ENCRYPTION_KEYS = OLD
    left, _ = run("export", "--from", str(tmp_path))
    assert ids(map(json.loads, left.splitlines())) == ids(others)
    assert left.count("Paris.") == 3


def test_images_and_messages_are_found_under_the_seal(tmp_path: Path):
    """The members of a plain line and of an opened one are the same."""
    one = line(**messages([user([{"type": "text", "text": "Hello"}])], "Hi."))
    bodies, plain = stored(sealed(one)).head.bodies(), stored(one).head.bodies()
    assert [bodies.read(name) for name in BODIES] == [plain.read(name) for name in BODIES]


def test_who_watches_them_go_by_reads_them_or_why_not(settings: Any):
    one = stored(sealed(line()))
    assert "Paris." in list(news_as_text(one))
    settings.ENCRYPTION_KEYS = NEW
    assert f"! {MISSING}" in list(news_as_text(one))
