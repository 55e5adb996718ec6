"""The commands as a person types them: what they print, and what they say of mistakes."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from providers.models import Credential
from tests.config.files import whole
from usage.issue import KeyRefused, issue_key, opens, rotate
from usage.keys import make_key, well_formed
from usage.models import ClientKey, Team

pytestmark = pytest.mark.django_db


def run(*words: str, **options: Any) -> str:
    out = StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "patchbay.yaml"
    path.write_text(yaml.safe_dump(whole()))
    return path


def test_applying_says_what_it_did_and_tells_a_generated_key_once(file):
    first = run("apply_config", str(file))
    assert "Created provider openai." in first
    assert "Published version 1." in first
    [line] = [line for line in first.splitlines() if line.startswith("The key of ci")]
    assert opens(ClientKey.objects.get(), line.split()[-1])
    assert run("apply_config", str(file), "--prune") == "Nothing to change.\n"


def test_pruning_is_said_as_well(file, tmp_path):
    run("apply_config", str(file))
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    assert run("apply_config", str(empty)) == "Nothing to change.\n"
    assert "Removed provider openai." in run("apply_config", str(empty), "--prune")


def test_every_mistake_of_a_file_is_listed(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("rulez: []\nrules: [{name: a}, {name: b, targets: [{provider: x}]}]\n")
    with pytest.raises(CommandError) as raised:
        run("apply_config", str(path))
    first, *mistakes = str(raised.value).splitlines()
    assert first == f"Nothing was changed: {path} has 3 mistakes."
    assert [mistake.strip().split(": ")[0] for mistake in mistakes] == [
        "rulez",
        "rules[0].targets",
        "rules[1].targets[0].provider",
    ]


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff\xfe", "not UTF-8"), (b"a: [", "has 1 mistake"), (None, "read")]
)
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, content, words):
    path = tmp_path / "file.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=words):
        run("apply_config", str(path))


def test_an_export_is_a_file_that_changes_nothing(file, tmp_path):
    run("apply_config", str(file))
    export = tmp_path / "export.yaml"
    export.write_text(run("export_config"))
    assert run("apply_config", str(export), "--prune") == "Nothing to change.\n"


def test_an_export_without_secrets_keeps_references_alone(file, tmp_path):
    run("apply_config", str(file))
    text = run("export_config", "--without-secrets")
    assert "env:OPENAI_API_KEY" in text
    assert "enc:v1:" not in text
    export = tmp_path / "export.yaml"
    export.write_text(text)
    assert run("apply_config", str(export)) == "Nothing to change.\n"
    assert Credential.objects.get(label="spare").secret.startswith("enc:v1:")


def test_a_key_is_issued_as_json():
    told = json.loads(run("issue_key", "--name", "ci", "--json"))
    row = ClientKey.objects.get()
    assert set(told) == {"id", "name", "key"}
    assert (told["id"], told["name"], row.models_allowed) == (row.pk, "ci", ["*"])
    assert well_formed(told["key"].encode())
    assert opens(row, told["key"])
    assert told["key"] not in str(vars(row))


def test_a_key_is_issued_for_a_team_some_models_and_a_time():
    team = Team.objects.create(name="research")
    options = ("--team", "research", "--models", "gpt-*, o3", "--expires", "2027-01-31")
    run("issue_key", "--name", "ci", *options)
    row = ClientKey.objects.get()
    assert (row.team, row.models_allowed) == (team, ["gpt-*", "o3"])
    assert row.expires_at is not None
    assert row.expires_at.isoformat() == "2027-01-31T00:00:00+00:00"


@pytest.mark.parametrize("level", ["off", "metadata", "full"])
def test_a_key_is_issued_with_what_is_kept_of_it(level):
    run("issue_key", "--name", "ci", "--transcripts", level)
    assert ClientKey.objects.get().transcripts == level
    run("issue_key", "--name", "other")
    assert ClientKey.objects.get(name="other").transcripts == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--name", "taken"], "already"),
        (["--name", ""], "needs a name"),
        (["--name", "(search by meaning)"], "A name in brackets"),
        (["--name", "x", "--team", "y"], "no team 'y'. Teams: none yet."),
        (["--name", "x", "--models", "["], "does not parse"),
        (["--name", "x", "--models", " , "], "at least one model"),
        (["--name", "x", "--expires", "soon"], "2027-01-31"),
        (["--name", "x", "--transcripts", "some"], "--transcripts: invalid choice: 'some'"),
    ],
)
def test_a_key_that_cannot_be_issued_is_one_sentence(options, words):
    issue_key("taken")
    with pytest.raises(CommandError) as raised:
        run("issue_key", *options)
    assert words in str(raised.value)
    assert ClientKey.objects.count() == 1


def test_a_rotated_key_takes_another_secret_but_not_one_in_use():
    (row, old), (_, other) = issue_key("a"), issue_key("b")
    new = rotate(row)
    assert opens(row, new)
    assert not opens(row, old)
    with pytest.raises(KeyRefused, match="in use already, as 'b'"):
        rotate(row, other)


def test_a_key_issued_under_an_old_pepper_still_opens(settings):
    settings.KEY_PEPPERS = {"old": b"\x01" * 32}
    row, key = issue_key("a")
    settings.KEY_PEPPERS = {"new": b"\x02" * 32, "old": b"\x01" * 32}
    assert opens(row, key)
    with pytest.raises(KeyRefused, match="in use already, as 'a'"):
        issue_key("b", secret=key)
    assert issue_key("c", secret=make_key())[0].pepper_id == "new"
