"""The ring of keys: who is let in, and for which models."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from usage.keys import Caller, KeyRing, Unauthenticated, digest, make_key, unix

OLD, NEW = b"o" * 32, b"n" * 32
NOW = 1_700_000_000.0


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing({"p2": NEW, "p1": OLD})


def admit(ring: KeyRing, caller: Caller, pepper: bytes = NEW) -> str:
    """Put a key on the ring for this caller."""
    key = make_key()
    ring.put(digest(pepper, key.encode()), caller)
    return key


def present(ring: KeyRing, key: str, now: float = NOW) -> Caller:
    return ring.authenticate({b"authorization": b"Bearer " + key.encode()}, b"", now)


def refusal(ring: KeyRing, key: str, now: float = NOW) -> str:
    with pytest.raises(Unauthenticated) as caught:
        present(ring, key, now)
    return caught.value.reason


def test_a_known_key_names_its_caller(ring):
    alice = Caller(1, "alice")
    assert present(ring, admit(ring, alice)) is alice


def test_each_pepper_of_the_ring_opens(ring):
    bob = Caller(2, "bob")
    assert present(ring, admit(ring, bob, pepper=OLD)) is bob


def test_no_key_a_broken_one_and_a_strange_one_are_told_apart(ring):
    key = admit(ring, Caller(1, "alice"))
    with pytest.raises(Unauthenticated) as caught:
        ring.authenticate({}, b"", NOW)
    assert caught.value.reason == "missing"
    assert refusal(ring, key[:-1]) == "malformed"
    assert refusal(ring, make_key()) == "unknown"


def test_expiry_is_judged_at_the_time_of_the_request(ring):
    key = admit(ring, Caller(1, "alice", expires_at=NOW))
    assert present(ring, key, NOW - 0.001).name == "alice"
    assert refusal(ring, key, NOW) == "expired"


def test_a_revoked_key_is_refused_and_says_so_even_when_it_has_expired_too(ring):
    assert refusal(ring, admit(ring, Caller(1, "charlie", revoked=True))) == "revoked"
    both = Caller(2, "charlie", revoked=True, expires_at=NOW - 1)
    assert refusal(ring, admit(ring, both)) == "revoked"


def test_revoking_replaces_the_caller_in_place(ring):
    key = make_key()
    mark = digest(NEW, key.encode())
    ring.put(mark, Caller(1, "alice"))
    ring.put(mark, Caller(1, "alice", revoked=True))
    assert refusal(ring, key) == "revoked"
    assert len(ring) == 1


def test_a_rotated_key_loses_its_old_secret(ring):
    before = admit(ring, Caller(1, "alice"))
    after = admit(ring, Caller(1, "alice"))
    assert refusal(ring, before) == "unknown"
    assert present(ring, after).id == 1


def test_keys_whose_rows_are_gone_are_forgotten(ring):
    gone, kept = admit(ring, Caller(1, "alice")), admit(ring, Caller(2, "bob"))
    ring.keep_only(frozenset({2}))
    assert refusal(ring, gone) == "unknown"
    assert present(ring, kept).name == "bob"


def test_every_sentence_of_refusal_says_what_to_do_and_shows_no_key():
    for reason, sentence in Unauthenticated.SENTENCES.items():
        assert str(Unauthenticated(reason)) == sentence
        assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("patterns", "model", "allowed"),
    [
        (("*",), "anything/at all", True),
        (("gpt-4o",), "gpt-4o", True),
        (("gpt-4o",), "gpt-4o-mini", False),
        (("gpt-*",), "gpt-4o", True),
        (("gpt-*",), "my-gpt-4o", False),
        (("openai/*",), "openai/a/b", True),
        (("gpt-?",), "gpt-5", True),
        (("gpt-?",), "gpt-55", False),
        (("claude-*", "gpt-5"), "gpt-5", True),
        (("a.c",), "abc", False),
        ((), "gpt-5", False),
    ],
)
def test_a_key_may_ask_for_the_models_that_its_patterns_take(patterns, model, allowed):
    caller = Caller(1, "alice", models=patterns)
    assert caller.may_use(model) is allowed
    assert caller.may_use(model) is allowed  # and the second time, from memory


def test_the_memory_of_models_is_bounded():
    caller = Caller(1, "alice", models=("gpt-*",))
    for number in range(1000):
        caller.may_use(f"gpt-{number}")
    assert len(caller._known) <= 256


def test_a_moment_without_a_zone_shift_becomes_unix_seconds():
    assert unix(None) is None
    assert unix(datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)) == NOW
