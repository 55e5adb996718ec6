"""Secrets at rest: sealed for one row, under a ring of keys, or referred to by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import override_settings

from providers.secrets import (
    SecretMissing,
    last4,
    open_secret,
    reference_problem,
    reseal,
    seal,
)

PLAIN = "sk-proj-4711"
OLD, NEW = b"\x01" * 32, b"\x02" * 32


def test_a_sealed_secret_opens_for_its_own_row():
    stored = seal(PLAIN, "openai/main")
    assert stored.startswith("enc:v1:k1:")
    assert PLAIN not in stored
    assert open_secret(stored, "openai/main") == PLAIN


def test_the_same_secret_is_never_sealed_alike():
    assert seal(PLAIN, "openai/main") != seal(PLAIN, "openai/main")


def test_a_secret_copied_to_another_row_does_not_open_there():
    with pytest.raises(SecretMissing, match="does not open"):
        open_secret(seal(PLAIN, "openai/main"), "mallory/main")


@pytest.mark.parametrize("damage", ["enc:v1:k1:", "enc:v1:k1:AAAA", "enc:v1:k1:???", "enc:v1:"])
def test_damaged_ciphertext_is_missing_in_a_sentence(damage):
    with pytest.raises(SecretMissing):
        open_secret(damage, "openai/main")


def test_the_first_key_of_the_ring_seals_and_all_of_them_open():
    with override_settings(ENCRYPTION_KEYS={"old": OLD}):
        before = seal(PLAIN, "openai/main")
    with override_settings(ENCRYPTION_KEYS={"new": NEW, "old": OLD}):
        assert open_secret(before, "openai/main") == PLAIN
        after = reseal(before, "openai/main", "renamed/main")
    with override_settings(ENCRYPTION_KEYS={"new": NEW}):
        assert open_secret(after, "renamed/main") == PLAIN
        with pytest.raises(SecretMissing, match="'old' is not in ENCRYPTION_KEYS"):
            open_secret(before, "openai/main")


def test_resealing_leaves_references_alone():
    assert reseal("env:A_KEY", "a/main", "b/main") == "env:A_KEY"


def test_a_variable_is_read_when_it_is_opened(monkeypatch):
    monkeypatch.setenv("SOME_VENDOR_KEY", f" {PLAIN}\n")
    assert open_secret("env:SOME_VENDOR_KEY", "openai/main") == PLAIN
    monkeypatch.setenv("SOME_VENDOR_KEY", "")
    with pytest.raises(SecretMissing, match="SOME_VENDOR_KEY is not set"):
        open_secret("env:SOME_VENDOR_KEY", "openai/main")


def test_a_file_is_read_when_it_is_opened(tmp_path: Path):
    file = tmp_path / "key"
    with pytest.raises(SecretMissing, match="there is no file"):
        open_secret(f"file:{file}", "openai/main")
    file.write_text(f"{PLAIN}\n")
    assert open_secret(f"file:{file}", "openai/main") == PLAIN
    file.write_bytes(b"x" * 70_000)
    with pytest.raises(SecretMissing, match="too large"):
        open_secret(f"file:{file}", "openai/main")


def test_a_secret_that_cannot_stand_in_a_header_is_not_used(tmp_path: Path):
    file = tmp_path / "key"
    file.write_text("sk-1\nx-evil: 1")
    with pytest.raises(SecretMissing, match="line break") as raised:
        open_secret(f"file:{file}", "openai/main")
    assert "sk-1" not in str(raised.value)


@pytest.mark.parametrize("name", ["SECRET_KEY", "KEY_PEPPER", "ENCRYPTION_KEYS", "DATABASE_URL"])
def test_the_gateways_own_secrets_are_never_sent_to_a_provider(name):
    with pytest.raises(SecretMissing, match="gateway's own"):
        open_secret(f"env:{name}", "openai/main")


@pytest.mark.parametrize("path", ["secrets.env", "pepper", "first-run/claude-code.env"])
def test_nor_is_a_file_of_the_gateways_own_directory(tmp_path: Path, path):
    var, outside = tmp_path / "var", tmp_path / "link"
    (var / "first-run").mkdir(parents=True)
    (var / path).write_text(PLAIN)
    outside.symlink_to(var / path)
    with override_settings(VAR_DIR=var):
        for named in (var / path, var / ".." / "var" / path, outside):
            with pytest.raises(SecretMissing, match="gateway's own directory"):
                open_secret(f"file:{named}", "openai/main")


OWN = {"SECRET_KEY": "s" * 40, "METRICS_TOKEN": "t0ken", "KEY_PEPPERS": {"p1": OLD}}


@pytest.mark.parametrize("value", ["s" * 40, "t0ken", OLD.hex(), f"p1:{OLD.hex()}", NEW.hex()])
def test_nor_is_their_text_wherever_it_is_found(tmp_path: Path, monkeypatch, value):
    (tmp_path / "copy").write_text(f"{value}\n")
    monkeypatch.setenv("A_COPY", value)
    with override_settings(**OWN, ENCRYPTION_KEYS={"k1": NEW}):
        for reference in (f"file:{tmp_path}/copy", "env:A_COPY"):
            with pytest.raises(SecretMissing, match="gateway's own secrets") as raised:
                open_secret(reference, "openai/main")
            assert value not in str(raised.value)


@pytest.mark.parametrize("reference", ["env:", "env:A B", "env:1A", "env:A=B", "file:", "file: "])
def test_a_reference_that_names_nothing_is_a_mistake(reference):
    assert reference_problem(reference) is not None


@pytest.mark.parametrize("stored", ["", "plain text"])
def test_what_is_in_no_stored_form_is_missing_and_not_repeated(stored):
    with pytest.raises(SecretMissing) as raised:
        open_secret(stored, "openai/main")
    assert "plain text" not in str(raised.value)


def test_the_end_is_shown_of_long_secrets_only():
    assert last4(PLAIN) == "4711"
    assert last4("short") == ""
